//! What a text is found by: words of alphabets in small letters, pairs of neighbouring Chinese signs.

use std::collections::BTreeMap;

/// No more different tokens are taken from one text.
const MOST_TOKENS: usize = 2_000;
/// Longer words are cut.
const LONGEST_WORD: usize = 40;

/// Tokens of a text, each with how often it is there.
#[must_use]
pub fn tokens(text: &str) -> BTreeMap<String, u32> {
    let mut found = BTreeMap::new();
    let mut word = String::new();
    let mut chinese: Vec<char> = Vec::new();
    for sign in text.chars().chain([' ']) {
        if is_chinese(sign) {
            end_word(&mut word, &mut found);
            chinese.push(sign);
            continue;
        }
        end_chinese(&mut chinese, &mut found);
        if sign.is_alphanumeric() {
            word.extend(sign.to_lowercase());
        } else {
            end_word(&mut word, &mut found);
        }
    }
    found
}

fn end_word(word: &mut String, found: &mut BTreeMap<String, u32>) {
    if word.chars().count() >= 2 {
        add(word.chars().take(LONGEST_WORD).collect(), found);
    }
    word.clear();
}

/// Pairs; a sign that stands alone stands for itself.
fn end_chinese(signs: &mut Vec<char>, found: &mut BTreeMap<String, u32>) {
    if let [only] = signs.as_slice() {
        add(only.to_string(), found);
    }
    for pair in signs.windows(2) {
        add(pair.iter().collect(), found);
    }
    signs.clear();
}

fn add(token: String, found: &mut BTreeMap<String, u32>) {
    if found.len() < MOST_TOKENS || found.contains_key(&token) {
        *found.entry(token).or_default() += 1;
    }
}

const fn is_chinese(sign: char) -> bool {
    matches!(sign, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn names(text: &str) -> Vec<String> {
        tokens(text).into_keys().collect()
    }

    #[test]
    fn words_are_small_and_whole_and_chinese_is_found_by_its_pairs() {
        assert_eq!(names("One-way AUDIO, G.711 a"), ["711", "audio", "one", "way"]);
        assert_eq!(names("单向无声"), ["单向", "向无", "无声"]);
        assert_eq!(names("重启MG4网关。好"), ["mg4", "好", "网关", "重启"]);
        assert_eq!(tokens("网关 网关").get("网关"), Some(&2));
        assert!(names("!?\u{0}").is_empty());
    }

    proptest! {
        #[test]
        fn any_text_has_bounded_tokens_and_none_is_empty_or_holds_spaces(text in "\\PC{0,300}") {
            let all = tokens(&text);
            prop_assert!(all.len() <= MOST_TOKENS);
            for (token, count) in all {
                prop_assert!(count > 0 && !token.is_empty() && !token.contains(char::is_whitespace));
                prop_assert!(token.chars().count() <= LONGEST_WORD);
            }
        }
    }
}
