//! What is left of personal data for whoever does not need it: enough to tell two people apart,
//! too little to reach them.

use super::Personal;
use super::normal::is_ideograph;

/// What a reader sees of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sight {
    /// Everything.
    Clear,
    /// Masked.
    Masked,
}

/// A name: the first letter of each word, the first of the Chinese characters.
#[must_use]
pub fn name(name: &Personal, sight: Sight) -> String {
    let text = name.in_clear();
    if sight == Sight::Clear {
        return text.to_owned();
    }
    let masked = text.split_whitespace().map(|word| {
        let mut letters = word.chars();
        let first = letters.next().unwrap_or('*');
        // Of a Chinese name the number of characters is no secret: it is two or three.
        let stars = if is_ideograph(first) { letters.count().clamp(1, 3) } else { 3 };
        format!("{first}{}", "*".repeat(stars))
    });
    masked.collect::<Vec<_>>().join(" ")
}

/// A telephone number: `+86138****5678`.
#[must_use]
pub fn phone(phone: &Personal, sight: Sight) -> String {
    let text = phone.in_clear();
    if sight == Sight::Clear {
        return text.to_owned();
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let plus = if text.starts_with('+') { "+" } else { "" };
    match digits.len() {
        0..=4 => "****".to_owned(),
        5..=8 => format!("{plus}****{}", &digits[digits.len() - 2..]),
        length => format!("{plus}{}****{}", &digits[..(length - 8).min(5)], &digits[length - 4..]),
    }
}

/// An e-mail address: `w***@example.com`.
#[must_use]
pub fn email(email: &Personal, sight: Sight) -> String {
    let text = email.in_clear();
    match (sight, text.rsplit_once('@')) {
        (Sight::Clear, _) => text.to_owned(),
        (Sight::Masked, Some((local, domain))) => {
            let first = local.chars().next().map(String::from).unwrap_or_default();
            format!("{first}***@{domain}")
        }
        (Sight::Masked, None) => "***".to_owned(),
    }
}

/// Anything else: an address, a handle, words. Nothing of it.
#[must_use]
pub fn text(text: &Personal, sight: Sight) -> String {
    match sight {
        Sight::Clear => text.in_clear().to_owned(),
        Sight::Masked => "***".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn of(text: &str) -> Personal {
        Personal::of(text).unwrap()
    }

    #[test]
    fn masked_data_tells_people_apart_and_reaches_nobody() {
        assert_eq!(phone(&of("+8613812345678"), Sight::Masked), "+86138****5678");
        assert_eq!(phone(&of("+12125550101"), Sight::Masked), "+121****0101");
        assert_eq!(phone(&of("66551234"), Sight::Masked), "****34");
        assert_eq!(phone(&of("110"), Sight::Masked), "****");
        assert_eq!(email(&of("wang.wei@example.com"), Sight::Masked), "w***@example.com");
        assert_eq!(name(&of("Wang Wei"), Sight::Masked), "W*** W***");
        assert_eq!(name(&of("王小伟"), Sight::Masked), "王**");
        assert_eq!(name(&of("欧阳娜娜文化传播有限公司"), Sight::Masked), "欧***");
        assert_eq!(text(&of("1 Example Road"), Sight::Masked), "***");
        assert_eq!(phone(&of("+8613812345678"), Sight::Clear), "+8613812345678");
    }

    proptest! {
        #[test]
        fn at_least_four_digits_of_a_number_are_hidden(digits in "[0-9]{5,15}") {
            let masked = phone(&of(&format!("+{digits}")), Sight::Masked);
            let shown = masked.chars().filter(char::is_ascii_digit).count();
            prop_assert!(digits.len() - shown >= 3 && (digits.len() < 8 || digits.len() - shown >= 4), "{}", masked);
        }

        #[test]
        fn no_text_makes_a_mask_panic(any in "\\PC{1,40}") {
            let Some(any) = Personal::of(&any) else { return Ok(()) };
            let _ = (phone(&any, Sight::Masked), email(&any, Sight::Masked), name(&any, Sight::Masked));
        }
    }
}
