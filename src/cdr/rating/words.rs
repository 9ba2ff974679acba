//! Words of a deck's header and of its rounding rules, English and Chinese.

use super::Rounding;

/// What a column of a deck holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Column {
    Prefix,
    Destination,
    RatePerMinute,
    RatePerSecond,
    Initial,
    Increment,
    /// Both, as `60/6`.
    Blocks,
    ConnectFee,
    From,
    To,
    BandFrom,
    BandTo,
    BandZone,
    Currency,
    Decimals,
    Rounding,
}

/// Header words, without spaces, signs and case.
const HEADER: &[(Column, &[&str])] = &[
    (
        Column::Prefix,
        &[
            "prefix",
            "code",
            "dialcode",
            "dialprefix",
            "areacode",
            "areaprefix",
            "destinationcode",
            "countrycode",
            "前缀",
            "号码前缀",
            "地区前缀",
            "费率前缀",
            "区号",
            "被叫前缀",
            "代码",
        ],
    ),
    (
        Column::Destination,
        &[
            "destination",
            "destinationname",
            "description",
            "name",
            "area",
            "areaname",
            "country",
            "zone",
            "目的地",
            "目的地名称",
            "地区",
            "地区名称",
            "国家",
            "国家地区",
            "名称",
            "描述",
        ],
    ),
    (
        Column::RatePerMinute,
        &[
            "ratepermin",
            "rateperminute",
            "rate",
            "price",
            "pricepermin",
            "priceperminute",
            "permin",
            "perminute",
            "ratemin",
            "费率",
            "每分钟费率",
            "费率分钟",
            "费率元分钟",
            "单价",
            "价格",
            "每分钟价格",
            "费率每分钟",
        ],
    ),
    (
        Column::RatePerSecond,
        &["ratepersec", "ratepersecond", "pricepersec", "pricepersecond", "每秒费率", "费率秒"],
    ),
    (
        Column::Initial,
        &[
            "initialsec",
            "initial",
            "initialincrement",
            "initialblock",
            "initialseconds",
            "initialperiod",
            "minimumduration",
            "mintime",
            "firstinterval",
            "interval1",
            "首次计费",
            "首段秒数",
            "起始秒数",
            "首次计费秒数",
            "起步秒数",
            "首计费单位",
            "首次计费周期",
            "首段计费秒数",
        ],
    ),
    (
        Column::Increment,
        &[
            "incrementsec",
            "increment",
            "incrementseconds",
            "nextincrement",
            "subsequentincrement",
            "step",
            "nextinterval",
            "intervaln",
            "interval2",
            "billingcycle",
            "递增秒数",
            "计费步长",
            "后续计费",
            "计费周期",
            "后续秒数",
            "计费单位",
            "步长",
            "续段秒数",
            "后续计费秒数",
            "计费周期秒",
        ],
    ),
    (
        Column::Blocks,
        &[
            "increments",
            "billingincrement",
            "billingincrements",
            "billing",
            "rounding/increment",
            "计费方式",
            "计费规则",
        ],
    ),
    (
        Column::ConnectFee,
        &[
            "connectfee",
            "connectionfee",
            "connectcharge",
            "setupfee",
            "connectioncharge",
            "callsetupfee",
            "接通费",
            "接续费",
            "连接费",
            "起步费",
        ],
    ),
    (
        Column::From,
        &[
            "effectivefrom",
            "effectivedate",
            "effective",
            "validfrom",
            "from",
            "startdate",
            "begindate",
            "datefrom",
            "生效时间",
            "生效日期",
            "开始日期",
            "开始时间",
            "起始日期",
            "有效期起",
        ],
    ),
    (
        Column::To,
        &[
            "effectiveto",
            "enddate",
            "validto",
            "validuntil",
            "expirydate",
            "expires",
            "effectiveuntil",
            "until",
            "to",
            "dateto",
            "expirationdate",
            "失效时间",
            "失效日期",
            "结束日期",
            "结束时间",
            "截止日期",
            "有效期止",
        ],
    ),
    (
        Column::BandFrom,
        &["bandfrom", "timefrom", "bandstart", "periodfrom", "时段开始", "时段起", "开始时段"],
    ),
    (Column::BandTo, &["bandto", "timeto", "bandend", "periodto", "时段结束", "时段止", "结束时段"]),
    (Column::BandZone, &["bandtz", "timezone", "tz", "bandzone", "bandtimezone", "时区", "时段时区"]),
    (Column::Currency, &["currency", "ccy", "curr", "币种", "货币"]),
    (Column::Decimals, &["decimals", "decimalplaces", "precision", "小数位", "小数位数", "保留小数", "精度"]),
    (
        Column::Rounding,
        &["rounding", "roundingmode", "roundingrule", "round", "舍入", "舍入方式", "取整方式", "进位方式"],
    ),
];

/// What a header word means.
pub(super) fn column(word: &str) -> Option<Column> {
    let bare: String =
        word.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    HEADER.iter().find(|(_, words)| words.contains(&bare.as_str())).map(|(column, _)| *column)
}

/// What a rounding word means.
pub(super) fn rounding(word: &str) -> Option<Rounding> {
    let bare: String =
        word.chars().filter(|sign| sign.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    Some(match bare.as_str() {
        "up" | "ceil" | "ceiling" | "roundup" | "向上" | "进位" | "向上取整" | "进一" => {
            Rounding::Up
        }
        "down" | "floor" | "trunc" | "truncate" | "rounddown" | "向下" | "舍去" | "截断" | "向下取整" => {
            Rounding::Down
        }
        "halfup" | "nearest" | "math" | "maths" | "round" | "normal" | "四舍五入" => Rounding::HalfUp,
        "halfeven" | "bankers" | "banker" | "even" | "四舍六入五成双" | "银行家舍入" => {
            Rounding::HalfEven
        }
        _ => return None,
    })
}
