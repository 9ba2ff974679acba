//! Words of what may be chosen.

use linesman_deadlines::policy::Level;

use crate::level::level_word;
use crate::text::Language;

const WORDS: [(&str, &str, &str); 24] = [
    ("class_a", "A billing", "A 账单问题"),
    ("class_b", "B network", "B 网络问题"),
    ("class_c", "C device", "C 设备问题"),
    ("class_d", "D voice quality", "D 语音质量问题"),
    ("class_e", "E technical consultation", "E 技术咨询"),
    ("credited", "credited", "已加款"),
    ("not_received", "not received", "未到账"),
    ("network", "network carrier", "网络运营商"),
    ("termination", "landing-line carrier", "落地线路运营商"),
    ("urgent", "urgent", "紧急"),
    ("general", "general", "一般"),
    ("routine", "routine", "常规"),
    ("satisfied", "satisfied", "满意"),
    ("basically", "basically satisfied", "基本满意"),
    ("dissatisfied", "dissatisfied", "不满意"),
    ("yes", "yes", "是"),
    ("no", "no", "否"),
    ("stop", "stop the line", "停用线路"),
    ("divert", "move its customers", "切换客户线路"),
    ("restore", "restore the line", "恢复线路"),
    ("on_site", "on site", "上门服务"),
    ("video", "by video", "视频服务"),
    ("remote", "by remote help", "远程协助"),
    ("unclear", "unclear, treated as ours", "不明确，暂定为可处理"),
];

/// The word of an option; an operator's own option is its own word.
#[must_use]
pub fn option_word(option: &str, language: Language) -> &str {
    if let Some(level) = Level::parse(option) {
        return level_word(level, language);
    }
    WORDS.iter().find(|(id, ..)| *id == option).map_or(option, |(_, en, zh)| match language {
        Language::English => en,
        Language::Chinese => zh,
    })
}
