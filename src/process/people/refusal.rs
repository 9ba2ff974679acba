//! Why nobody was found, in words that say what mends it.

use std::fmt;

use serde::Serialize;

use crate::role::Role;
use crate::text::Language;

/// Why nobody was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "refused", rename_all = "snake_case")]
pub enum PeopleRefusal {
    /// There is no such department.
    NoSuchDepartment {
        /// Which.
        department: String,
    },
    /// There is no such person.
    NoSuchPerson {
        /// Who.
        person: String,
    },
    /// Nobody belongs to it.
    EmptyDepartment {
        /// Which.
        department: String,
    },
    /// Nobody in it does this.
    NobodyHasTheRole {
        /// Which.
        department: String,
        /// What.
        role: Role,
    },
    /// There is nobody above who is there.
    NobodyAbove {
        /// Above whom.
        person: String,
        /// Who is absent.
        passed_over: Vec<String>,
    },
    /// The person is there.
    NotAbsent {
        /// Who.
        person: String,
    },
}

impl PeopleRefusal {
    /// In words.
    #[must_use]
    pub fn say(&self, language: Language) -> String {
        let word = |role: &Role| role.word(language);
        match (self, language) {
            (Self::NoSuchDepartment { department }, Language::English) => {
                format!(
                    "there is no department `{}`; add it to the file of people",
                    department.escape_debug()
                )
            }
            (Self::NoSuchDepartment { department }, Language::Chinese) => {
                format!("没有部门“{}”；请在人员文件中添加", department.escape_debug())
            }
            (Self::NoSuchPerson { person }, Language::English) => {
                format!("there is no person `{}`; add them to the file of people", person.escape_debug())
            }
            (Self::NoSuchPerson { person }, Language::Chinese) => {
                format!("没有人员“{}”；请在人员文件中添加", person.escape_debug())
            }
            (Self::EmptyDepartment { department }, Language::English) => {
                format!("nobody belongs to department {department} (R22); give it a head or a person")
            }
            (Self::EmptyDepartment { department }, Language::Chinese) => {
                format!("部门{department}没有人员（R22）；请指定负责人或人员")
            }
            (Self::NobodyHasTheRole { department, role }, Language::English) => {
                format!("nobody in {department} is {} (R51); give somebody the role `{role}`", word(role))
            }
            (Self::NobodyHasTheRole { department, role }, Language::Chinese) => {
                format!("部门{department}没有{}（R51）；请为人员设置角色{role}", word(role))
            }
            (Self::NobodyAbove { person, passed_over }, Language::English) => {
                let absent = passed_over.join(", ");
                let absent = if absent.is_empty() { absent } else { format!(" (absent: {absent})") };
                format!("nobody is above {person}{absent} (R88, R104); name a supervisor who is there")
            }
            (Self::NobodyAbove { person, passed_over }, Language::Chinese) => {
                let absent = passed_over.join("、");
                let absent = if absent.is_empty() { absent } else { format!("（不在岗：{absent}）") };
                format!("{person}没有可用的上级{absent}（R88、R104）；请指定在岗的督办人")
            }
            (Self::NotAbsent { person }, Language::English) => {
                format!("{person} is not absent now; record the absence first")
            }
            (Self::NotAbsent { person }, Language::Chinese) => format!("{person}目前在岗；请先登记缺勤"),
        }
    }
}

impl fmt::Display for PeopleRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.say(Language::English))
    }
}

impl std::error::Error for PeopleRefusal {}
