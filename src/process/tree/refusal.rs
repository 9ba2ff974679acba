//! Why an answer is not taken, in words that say what mends it.

use std::fmt;

use serde::Serialize;

use super::Detail;
use crate::role::Role;
use crate::text::Language;

/// Why an answer, a correction or a start is not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "refused", rename_all = "snake_case")]
pub enum Refusal {
    /// There is no tree of that name.
    NoSuchTree {
        /// Which.
        name: String,
    },
    /// The version that the run keeps is not there.
    VersionGone {
        /// Of which tree.
        tree: String,
        /// Which.
        version: u32,
    },
    /// Another node is current, perhaps because somebody else has just answered.
    NotCurrent {
        /// What was to be answered.
        asked: String,
        /// What is asked.
        current: String,
    },
    /// The run has ended.
    Ended {
        /// At which outcome.
        at: String,
    },
    /// The node has no such answer.
    NoSuchAnswer {
        /// The node.
        node: String,
        /// What was given.
        answer: String,
        /// What it takes.
        known: Vec<String>,
    },
    /// Only a person can give this answer.
    NotMeasurable {
        /// The node.
        node: String,
        /// What was given.
        answer: String,
    },
    /// It is for somebody else to answer.
    NotYours {
        /// The node.
        node: String,
        /// Who answers.
        role: Role,
        /// Who gave it.
        name: String,
    },
    /// Something must be told with the answer.
    Missing {
        /// The node.
        node: String,
        /// The rule that asks for it.
        rule: String,
        /// What.
        detail: Box<Detail>,
    },
    /// The node was never answered, so there is nothing to correct.
    NotInPath {
        /// The node.
        node: String,
    },
    /// A correction says why.
    NoReason,
    /// The run goes in circles.
    TooLong,
    /// A recorded step differs from what the trees make of it.
    NotAsRecorded,
}

impl Refusal {
    /// In words.
    #[must_use]
    pub fn say(&self, language: Language) -> String {
        match language {
            Language::English => self.english(),
            Language::Chinese => self.chinese(),
        }
    }

    fn english(&self) -> String {
        match self {
            Self::NoSuchTree { name } => format!("there is no tree `{}`", name.escape_debug()),
            Self::VersionGone { tree, version } => {
                format!(
                    "version {version} of tree {tree} is not there; put its file back, runs keep their version"
                )
            }
            Self::NotCurrent { asked, current } => {
                let asked = asked.escape_debug();
                format!("`{asked}` is not asked now, {current} is; look at the path and answer {current}")
            }
            Self::Ended { at } => {
                format!("the walk has ended at {at}; correct a step or begin another")
            }
            Self::NoSuchAnswer { node, answer, known } => {
                let answer = answer.escape_debug();
                format!("{node} takes no answer `{answer}`; it takes {}", known.join(", "))
            }
            Self::NotMeasurable { node, answer } => {
                format!("no measurement can answer {node} with `{}`; a person must", answer.escape_debug())
            }
            Self::NotYours { node, role, name } => {
                let (role, name) = (role.word(Language::English), name.escape_debug());
                format!("{node} is answered by the {role}, which {name} is not; hand it to one")
            }
            Self::Missing { node, rule, detail } => {
                format!("{node} asks also for `{}` ({rule}): {}", detail.id, detail.text.en)
            }
            Self::NotInPath { node } => {
                format!("`{}` was not answered yet, so it cannot be corrected", node.escape_debug())
            }
            Self::NoReason => "say why it is corrected".to_owned(),
            Self::TooLong => "the walk has a thousand steps; close it and begin another".to_owned(),
            Self::NotAsRecorded => "the recorded step is not what the trees make of it".to_owned(),
        }
    }

    fn chinese(&self) -> String {
        match self {
            Self::NoSuchTree { name } => format!("没有名为“{}”的流程", name.escape_debug()),
            Self::VersionGone { tree, version } => {
                format!("流程{tree}的第{version}版不存在；运行中的流程沿用原版本，请恢复该文件")
            }
            Self::NotCurrent { asked, current } => {
                format!("当前环节是{current}，不是“{}”；请查看路径后回答{current}", asked.escape_debug())
            }
            Self::Ended { at } => format!("流程已在{at}结束；可更正某一步或重新开始"),
            Self::NoSuchAnswer { node, answer, known } => {
                let answer = answer.escape_debug();
                format!("{node}没有答案“{answer}”；可选：{}", known.join("、"))
            }
            Self::NotMeasurable { node, answer } => {
                format!("{node}的答案“{}”不能由测量给出，须由人员回答", answer.escape_debug())
            }
            Self::NotYours { node, role, name } => {
                let (role, name) = (role.word(Language::Chinese), name.escape_debug());
                format!("{node}由{role}回答，{name}不具备该角色；请转交")
            }
            Self::Missing { node, rule, detail } => {
                format!("{node}还须填写“{}”（{rule}，{}）", detail.text.zh, detail.id)
            }
            Self::NotInPath { node } => format!("“{}”尚未回答，无法更正", node.escape_debug()),
            Self::NoReason => "请说明更正原因".to_owned(),
            Self::TooLong => "流程已有一千步；请结束后重新开始".to_owned(),
            Self::NotAsRecorded => "记录的步骤与流程不符".to_owned(),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.english())
    }
}

impl std::error::Error for Refusal {}
