//! Decimals as people and spreadsheets write them, read exactly.

/// A decimal in billionths, with a point or a comma for the fraction.
///
/// `1.234,5` and `1,234.5` are told apart by which sign comes last; a single comma is a decimal comma. A
/// leading currency sign is dropped.
///
/// # Errors
/// A sentence that says what is wrong.
pub fn decimal(text: &str) -> Result<i64, String> {
    let bare = text.trim().trim_start_matches(['$', '€', '£', '¥', '￥']).trim();
    let none = || format!("`{text}` is no decimal number; write it as 0.0215");
    if bare.is_empty() || bare.len() > 40 {
        return Err(none());
    }
    let (comma, point) = (bare.rfind(','), bare.rfind('.'));
    let plain = match (comma, point) {
        (Some(comma), Some(point)) if comma > point => bare.replace('.', "").replace(',', "."),
        (Some(_), Some(_)) => bare.replace(',', ""),
        (Some(_), None) => bare.replace(',', "."),
        _ => bare.to_owned(),
    };
    let part = plain.split_once('.').map_or("", |(_, part)| part);
    if part.bytes().all(|byte| byte.is_ascii_digit()) && part.trim_end_matches('0').len() > 9 {
        return Err(format!("`{text}` has more than nine decimals; rates are held exactly to nine"));
    }
    let money = crate::Money::parse(&plain).ok_or_else(none)?;
    i64::try_from(money.0).map_err(|_| format!("`{text}` is too large"))
}

/// Numbers of a contract: a string, a whole number or a decimal of TOML, read by its shortest digits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Decimal(
    /// Billionths.
    pub i64,
);

impl serde::Serialize for Decimal {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&crate::Money(i128::from(self.0)))
    }
}

impl<'de> serde::Deserialize<'de> for Decimal {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Digits)
    }
}

struct Digits;

impl serde::de::Visitor<'_> for Digits {
    type Value = Decimal;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a decimal number such as \"0.0215\"")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Decimal, E> {
        decimal(text).map(Decimal).map_err(E::custom)
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Decimal, E> {
        value.checked_mul(1_000_000_000).map(Decimal).ok_or_else(|| E::custom("the number is too large"))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Decimal, E> {
        i64::try_from(value).map_err(E::custom).and_then(|value| self.visit_i64(value))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Decimal, E> {
        // The shortest digits that mean this float are those that were typed.
        decimal(&value.to_string()).map(Decimal).map_err(E::custom)
    }
}
