//! What a text is found by: words of alphabets in small letters, pairs of neighbouring Chinese signs.
//!
//! Chinese has no spaces, so that no tokenizer of a database finds two signs within a sentence. Both databases are
//! given texts that are [`segmented`] already, and are asked by [`tokens`] that were made in the same way.

use std::collections::BTreeMap;

/// Changes whenever a text is taken apart in another way: what was kept the old way is then kept anew.
pub const SEGMENTATION: &str = "1";
/// No more different tokens are taken from one text.
const MOST_TOKENS: usize = 2_000;
/// Saying a word ten times does not make a text ten times as fitting.
const MOST_TIMES: u32 = 3;
/// Longer words are cut.
const LONGEST_WORD: usize = 40;

/// The tokens of a text in its order; none stands there more than thrice, none holds anything but letters and digits.
#[must_use]
pub fn tokens(text: &str) -> Vec<String> {
    let mut found = Found::default();
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
            word.extend(sign.to_lowercase().filter(|small| small.is_alphanumeric()));
        } else {
            end_word(&mut word, &mut found);
        }
    }
    found.tokens
}

/// A text as both databases index it: its tokens with spaces between them.
#[must_use]
pub fn segmented(text: &str) -> String {
    tokens(text).join(" ")
}

#[derive(Default)]
struct Found {
    tokens: Vec<String>,
    times: BTreeMap<String, u32>,
}

impl Found {
    fn add(&mut self, token: String) {
        if self.times.len() >= MOST_TOKENS && !self.times.contains_key(&token) {
            return;
        }
        let times = self.times.entry(token.clone()).or_default();
        *times += 1;
        if *times <= MOST_TIMES {
            self.tokens.push(token);
        }
    }
}

fn end_word(word: &mut String, found: &mut Found) {
    if word.chars().count() >= 2 {
        found.add(word.chars().take(LONGEST_WORD).collect());
    }
    word.clear();
}

/// Pairs; a sign that stands alone stands for itself.
fn end_chinese(signs: &mut Vec<char>, found: &mut Found) {
    if let [only] = signs.as_slice() {
        found.add(only.to_string());
    }
    for pair in signs.windows(2) {
        found.add(pair.iter().collect());
    }
    signs.clear();
}

const fn is_chinese(sign: char) -> bool {
    matches!(sign, '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn words_are_small_and_whole_and_chinese_is_found_by_its_pairs() {
        assert_eq!(segmented("One-way AUDIO, G.711 a"), "one way audio 711");
        assert_eq!(segmented("单向无声"), "单向 向无 无声");
        assert_eq!(segmented("重启MG4网关。好"), "重启 mg4 网关 好");
        assert!(tokens("!?\u{0} \" OR * NEAR(").iter().eq(["or", "near"]));
    }

    #[test]
    fn a_word_that_is_said_often_counts_thrice_at_most() {
        assert_eq!(segmented(&"网关 ".repeat(10)), "网关 网关 网关");
    }

    proptest! {
        #[test]
        fn any_text_has_bounded_tokens_and_none_is_empty_or_holds_a_sign_that_a_query_could_mean(
            text in "\\PC{0,300}",
        ) {
            let all = tokens(&text);
            prop_assert!(all.len() <= MOST_TOKENS * MOST_TIMES as usize);
            for token in all {
                prop_assert!(!token.is_empty() && token.chars().all(char::is_alphanumeric), "{token}");
                prop_assert!(token.chars().count() <= LONGEST_WORD);
            }
        }
    }
}
