//! What can be wrong with a field or a row, in the words of both languages.

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    Columns,
    OpenQuote,
    Decimal,
    Large,
    Time,
    TimeRange,
    NoTimeOfDay,
    NoTime,
    Span,
    NegativeSpan,
    LongSpan,
    NoSpan,
    EndBeforeAnswer,
    NoCallee,
    LostDigits,
    Currencies,
}

/// What is wrong with a row, and in which column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// What.
    pub wrong: Wrong,
    /// Which column, from 0; none when the row as a whole is to blame.
    pub column: Option<u16>,
}

/// What the words need to know.
#[derive(Debug, Clone, Copy)]
pub struct Found<'a> {
    /// The field as it stands.
    pub field: &'a str,
    /// Name of its column, or its number.
    pub column: &'a str,
    /// Fields of the row.
    pub fields: usize,
    /// Columns of the layout.
    pub columns: usize,
    /// Decimal sign of the layout.
    pub decimal: char,
    /// How times are written, by example.
    pub time: &'a str,
    /// How this duration is written, by example.
    pub span: &'a str,
}

impl Wrong {
    /// What was found and what was expected, in English.
    #[must_use]
    pub fn in_english(self, found: &Found<'_>) -> String {
        let Found { field, column, fields, columns, decimal, time, span } = *found;
        match self {
            Self::Columns => format!("the row has {fields} fields, {columns} were expected"),
            Self::OpenQuote => format!(
                "a quote is opened and not closed, so the row has {fields} fields; {columns} were expected"
            ),
            Self::Decimal => {
                format!("{column}: `{field}` is no amount; expected digits with the decimal sign `{decimal}`")
            }
            Self::Large => format!("{column}: `{field}` is too large; amounts up to 9,000,000,000 are read"),
            Self::Time => format!("{column}: `{field}` is no time; expected one like `{time}`"),
            Self::TimeRange => {
                format!(
                    "{column}: `{field}` is a time outside the years 1990 to 2099; expected one like `{time}`"
                )
            }
            Self::NoTimeOfDay => {
                format!("{column}: `{field}` has no time of day; expected one like `{time}`")
            }
            Self::NoTime => "the row says neither when the call began, nor when it was answered or ended; \
                             one of them is needed"
                .to_owned(),
            Self::Span => format!("{column}: `{field}` is no duration; expected one like `{span}`"),
            Self::NegativeSpan => {
                format!("{column}: the duration `{field}` is negative; expected one like `{span}`")
            }
            Self::LongSpan => format!("{column}: the duration `{field}` is longer than 40 days"),
            Self::NoSpan => {
                "the row does not say how long the conversation was, and its times do not either; \
                             a duration is needed"
                    .to_owned()
            }
            Self::EndBeforeAnswer => {
                format!(
                    "{column}: the call ends (`{field}`) before it was answered, and no duration is given"
                )
            }
            Self::NoCallee => format!("{column}: the called number is empty (`{field}`)"),
            Self::LostDigits => format!(
                "{column}: a spreadsheet has turned the number into `{field}` and its last digits are lost; \
                 export the column as text"
            ),
            Self::Currencies => {
                format!("{column}: `{field}` would be the 255th currency; this column is hardly the currency")
            }
        }
    }

    /// The same in Simplified Chinese.
    #[must_use]
    pub fn in_chinese(self, found: &Found<'_>) -> String {
        let Found { field, column, fields, columns, decimal, time, span } = *found;
        match self {
            Self::Columns => format!("该行有 {fields} 个字段，应为 {columns} 个"),
            Self::OpenQuote => format!("引号未闭合，该行因此有 {fields} 个字段，应为 {columns} 个"),
            Self::Decimal => format!("{column}：“{field}”不是金额，应为数字，小数点为“{decimal}”"),
            Self::Large => format!("{column}：“{field}”过大，最多读取 9,000,000,000"),
            Self::Time => format!("{column}：“{field}”不是时间，应类似“{time}”"),
            Self::TimeRange => format!("{column}：时间“{field}”不在 1990 至 2099 年之间，应类似“{time}”"),
            Self::NoTimeOfDay => format!("{column}：“{field}”没有时刻，应类似“{time}”"),
            Self::NoTime => "该行没有开始、应答或结束时间，至少需要其中之一".to_owned(),
            Self::Span => format!("{column}：“{field}”不是时长，应类似“{span}”"),
            Self::NegativeSpan => format!("{column}：时长“{field}”为负数，应类似“{span}”"),
            Self::LongSpan => format!("{column}：时长“{field}”超过 40 天"),
            Self::NoSpan => "该行没有通话时长，也无法由其时间算出，需要时长".to_owned(),
            Self::EndBeforeAnswer => format!("{column}：结束时间“{field}”早于应答时间，且没有时长"),
            Self::NoCallee => format!("{column}：被叫号码为空（“{field}”）"),
            Self::LostDigits => {
                format!("{column}：电子表格已把号码变成“{field}”，末尾数字已丢失，请将该列按文本导出")
            }
            Self::Currencies => format!("{column}：“{field}”将是第 255 种货币，该列很可能不是货币"),
        }
    }
}
