//! One form for each number, address and name, so that the same one has the same hash however it
//! was written.

use std::collections::BTreeSet;

/// Fewest and most digits of a number with its country (ITU-T E.164 section 6).
const DIGITS: std::ops::RangeInclusive<usize> = 5..=15;
/// Longest address (RFC 5321 section 4.5.3.1.3).
const LONGEST_EMAIL: usize = 254;
/// Parts of a name that are hashed.
const MOST_WORDS: usize = 64;

/// The country that a number without one is of: 1 to 3 digits (ITU-T E.164 annex D).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountryCode(String);

impl CountryCode {
    /// `86`, `+86`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().trim_start_matches('+');
        let fits = (1..=3).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && !digits.starts_with('0');
        fits.then(|| Self(digits.to_owned()))
    }

    /// Digits only.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl Default for CountryCode {
    fn default() -> Self {
        Self("86".to_owned())
    }
}

/// A telephone number as `+` and digits; `None` when it can be none.
///
/// `+…` and `00…` bring their country; a leading `0` is the national prefix. What follows `ext`, `x`,
/// `#` or `转` is an extension and left away. Full-width digits count as digits.
#[must_use]
pub fn phone(text: &str, country: &CountryCode) -> Option<String> {
    let text: String = text.chars().map(narrow).collect();
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_prefix("tel:").unwrap_or(&text);
    let main = text.split(['x', '#', '转', ';']).next().unwrap_or_default();
    let main = main.strip_suffix("e").unwrap_or(main).trim();
    let is_filling =
        |character: char| matches!(character, ' ' | '-' | '.' | '(' | ')' | '/' | '\u{a0}' | '–');
    let main = main.trim_start_matches(is_filling);
    let (has_plus, rest) = match main.strip_prefix('+') {
        Some(rest) => (true, rest),
        None => (false, main),
    };
    // The national prefix in brackets is not dialled with the country.
    let rest = if has_plus { rest.replace("(0)", "") } else { rest.to_owned() };
    if !rest.chars().all(|character| character.is_ascii_digit() || is_filling(character)) {
        return None;
    }
    let digits: String = rest.chars().filter(char::is_ascii_digit).collect();
    if digits.len() < *DIGITS.start() {
        return None;
    }
    let full = match (has_plus, digits.strip_prefix("00"), digits.strip_prefix('0')) {
        (true, ..) => digits,
        (false, Some(abroad), _) => abroad.to_owned(),
        (false, None, Some(national)) => format!("{}{national}", country.digits()),
        // 86138… with the country but without a plus: no number of a country begins like this and is so long.
        (false, None, None) if digits.len() >= 12 && digits.starts_with(country.digits()) => digits,
        (false, None, None) => format!("{}{digits}", country.digits()),
    };
    (DIGITS.contains(&full.len()) && !full.starts_with('0')).then(|| format!("+{full}"))
}

/// Full-width forms as they are typed in Chinese.
fn narrow(character: char) -> char {
    match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        '\u{3000}' => ' ',
        other => other,
    }
}

/// An e-mail address in lower case; `None` when it can be none. Looking it up must not depend on
/// case, although its left part may (RFC 5321 section 2.4).
#[must_use]
pub fn email(text: &str) -> Option<String> {
    let text: String = text.trim().chars().map(narrow).collect();
    let (local, domain) = text.rsplit_once('@')?;
    let is_sound = |part: &str| {
        !part.is_empty()
            && part.chars().all(|character| !character.is_whitespace() && !character.is_control())
    };
    let fits = text.len() <= LONGEST_EMAIL
        && is_sound(local)
        && is_sound(domain)
        && !domain.starts_with('.')
        && !domain.ends_with('.');
    fits.then(|| text.to_lowercase())
}

/// The parts that a name is found by: words of letters in lower case; of Chinese characters, which
/// stand without spaces, every pair of neighbours, and one that stands alone.
#[must_use]
pub fn words(name: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut word = String::new();
    let mut ideographs: Vec<char> = Vec::new();
    let end_word = |word: &mut String, found: &mut BTreeSet<String>| {
        if !word.is_empty() && found.len() < MOST_WORDS {
            found.insert(std::mem::take(word));
        }
        word.clear();
    };
    let end_run = |run: &mut Vec<char>, found: &mut BTreeSet<String>| {
        if let [alone] = run.as_slice() {
            found.insert(alone.to_string());
        }
        for pair in run.windows(2) {
            if found.len() < MOST_WORDS {
                found.insert(pair.iter().collect());
            }
        }
        run.clear();
    };
    for character in name.chars().map(narrow).flat_map(char::to_lowercase) {
        if is_ideograph(character) {
            end_word(&mut word, &mut found);
            ideographs.push(character);
        } else if character.is_alphanumeric() {
            end_run(&mut ideographs, &mut found);
            word.push(character);
        } else {
            end_word(&mut word, &mut found);
            end_run(&mut ideographs, &mut found);
        }
    }
    end_word(&mut word, &mut found);
    end_run(&mut ideographs, &mut found);
    found
}

/// Characters that are written without spaces between words.
pub(super) const fn is_ideograph(character: char) -> bool {
    matches!(character, '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

/// Every telephone number and e-mail address in a free text, in its normal form: contacts in
/// `linesman.toml` are written as people write them.
#[must_use]
pub fn found_in(text: &str, country: &CountryCode) -> (BTreeSet<String>, BTreeSet<String>) {
    let text: String = text.chars().map(narrow).collect();
    let emails = text.split([' ', ',', ';', '<', '>', '(', ')', '\t']).filter_map(email).collect();
    let is_part = |character: char| {
        character.is_ascii_digit() || matches!(character, '+' | ' ' | '-' | '(' | ')' | '.')
    };
    let phones = text
        .split(|character: char| !is_part(character))
        .map(|part| part.trim_matches([' ', '-', '.', ')']))
        .filter(|part| part.chars().filter(char::is_ascii_digit).count() >= 5)
        .filter_map(|part| phone(part, country))
        .collect();
    (phones, emails)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn china() -> CountryCode {
        CountryCode::default()
    }

    #[test]
    fn one_number_has_one_form_however_it_is_written() {
        for written in [
            "+8613812345678",
            "+86 138-1234-5678",
            "0086 138 1234 5678",
            "138 1234 5678",
            "13812345678",
            "8613812345678",
            "(+86) 138 1234 5678",
            "tel:+8613812345678",
            "１３８１２３４５６７８",
            "+86 (0)138 1234 5678",
        ] {
            assert_eq!(phone(written, &china()), Some("+8613812345678".to_owned()), "{written}");
        }
        for written in [
            "010-6655 1234",
            "+86 10 6655 1234",
            "010-66551234 转 802",
            "01066551234 ext 5",
            "010 66551234x7",
        ] {
            assert_eq!(phone(written, &china()), Some("+861066551234".to_owned()), "{written}");
        }
        let us = CountryCode::parse("+1").unwrap();
        assert_eq!(phone("(212) 555-0101", &us), Some("+12125550101".to_owned()));
        for wrong in ["", "abc", "123", "+", "12345678901234567", "138-CALL-ME", "000"] {
            assert_eq!(phone(wrong, &china()), None, "{wrong}");
        }
    }

    #[test]
    fn an_address_is_found_whatever_its_case() {
        assert_eq!(email(" Wang.Wei@Example.COM "), Some("wang.wei@example.com".to_owned()));
        for wrong in ["", "a", "@b", "a@", "a b@c", "a@b.", "a@.b"] {
            assert_eq!(email(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn names_are_found_by_their_words_and_chinese_ones_by_pairs() {
        let of = |name: &str| words(name).into_iter().collect::<Vec<_>>();
        assert_eq!(of("Acme Telecom, Ltd."), ["acme", "ltd", "telecom"]);
        assert_eq!(of("王伟"), ["王伟"]);
        assert_eq!(of("北京通达科技"), ["京通", "北京", "科技", "达科", "通达"]);
        assert_eq!(of("李 Na"), ["na", "李"]);
        assert!(words("通达").is_subset(&words("北京通达科技")), "a part is found in the whole");
        assert!(words(" -.- ").is_empty());
    }

    #[test]
    fn numbers_and_addresses_are_found_in_what_people_wrote() {
        let (phones, emails) = found_in("Li Na +86 10 5555 0101, noc@Example.net (24 h)", &china());
        assert_eq!(phones.into_iter().collect::<Vec<_>>(), ["+861055550101"]);
        assert_eq!(emails.into_iter().collect::<Vec<_>>(), ["noc@example.net"]);
    }

    proptest! {
        #[test]
        fn a_normal_form_is_its_own_normal_form(text in "\\PC{0,40}") {
            if let Some(normal) = phone(&text, &china()) {
                prop_assert_eq!(phone(&normal, &china()), Some(normal));
            }
            if let Some(normal) = email(&text) {
                prop_assert_eq!(email(&normal), Some(normal));
            }
            prop_assert!(words(&text).len() <= MOST_WORDS + 1);
            let _ = found_in(&text, &china());
        }
    }
}
