//! The words of a text, as every engine's index holds them.
//!
//! The engines' own notions of a word differ; so texts and queries are taken apart here, and the
//! engines only look words up.

use openclaw_core::MessageContent;

use crate::rows::MessageQuery;

/// Longer words are cut: nobody types them, and an index has to hold them.
const WORD_CHARS: usize = 48;
/// Of longer texts the beginning is found.
const WORDS: usize = 20_000;
/// A text's words in an index of PostgreSQL may be a mebibyte, with what belongs to each.
const BYTES: usize = 512 * 1024;

/// The words of a message's text.
pub(crate) fn of_content(content: &MessageContent) -> Vec<String> {
    of_text(content.plain_text())
}

/// The distinct words of a text, in order: runs of letters and digits in lower case. A character of a
/// script that does not part words is a word of its own.
pub(crate) fn of_text(text: &str) -> Vec<String> {
    let mut words = std::collections::BTreeSet::new();
    let mut word = String::new();
    let (mut length, mut bytes) = (0, 0);
    for char in text.chars().chain([' ']) {
        let stands_alone = is_ideograph(char);
        if (stands_alone || !char.is_alphanumeric()) && !word.is_empty() {
            let word = std::mem::take(&mut word);
            let more = word.len();
            bytes += if words.insert(word) { more } else { 0 };
            length = 0;
        }
        if bytes >= BYTES || words.len() >= WORDS {
            break;
        }
        if stands_alone {
            bytes += if words.insert(char.to_string()) { char.len_utf8() } else { 0 };
        } else if char.is_alphanumeric() && length < WORD_CHARS {
            word.extend(char.to_lowercase().filter(|lower| lower.is_alphanumeric()));
            length += 1;
        }
    }
    words.into_iter().collect()
}

/// Han, Hiragana and Katakana.
fn is_ideograph(char: char) -> bool {
    matches!(char, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{4DBF}' | '\u{4E00}'..='\u{9FFF}'
        | '\u{F900}'..='\u{FAFF}' | '\u{20000}'..='\u{323AF}')
}

/// What is looked for: all of these words, and words that begin with these.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Wanted {
    pub(crate) words: Vec<String>,
    pub(crate) beginnings: Vec<String>,
}

impl Wanted {
    /// A word that ends in `*` stands for all that begin so.
    pub(crate) fn of(query: &MessageQuery) -> Self {
        let mut wanted = Self::default();
        for part in query.text.split_whitespace() {
            let mut words = of_text(part);
            if part.ends_with('*') && words.len() == 1 {
                wanted.beginnings.append(&mut words);
            } else {
                wanted.words.append(&mut words);
            }
        }
        wanted
    }

    /// Whether nothing is looked for, which finds nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.words.is_empty() && self.beginnings.is_empty()
    }

    /// Whether a text with these sorted words is one of those looked for.
    pub(crate) fn is_in(&self, words: &[String]) -> bool {
        let begins = |beginning: &String| {
            let at = words.partition_point(|word| word < beginning);
            words.get(at).is_some_and(|word| word.starts_with(beginning.as_str()))
        };
        self.words.iter().all(|word| words.binary_search(word).is_ok())
            && self.beginnings.iter().all(begins)
    }

    /// As SQLite's index wants it. Words hold nothing but letters and digits.
    pub(crate) fn for_sqlite(&self) -> String {
        let words = self.words.iter().map(|word| format!("\"{word}\""));
        let beginnings = self.beginnings.iter().map(|word| format!("\"{word}\" *"));
        words.chain(beginnings).collect::<Vec<_>>().join(" ")
    }

    /// As PostgreSQL's index wants it.
    #[cfg(feature = "postgres")]
    pub(crate) fn for_postgres(&self) -> String {
        let words = self.words.iter().map(|word| format!("'{word}'"));
        let beginnings = self.beginnings.iter().map(|word| format!("'{word}':*"));
        words.chain(beginnings).collect::<Vec<_>>().join(" & ")
    }
}

#[cfg(test)]
mod tests {
    use super::{Wanted, of_text};
    use crate::rows::MessageQuery;
    use proptest::prelude::*;

    #[test]
    fn a_text_is_taken_apart() {
        assert_eq!(of_text("Don't panic, foo-bar_42!"), ["42", "bar", "don", "foo", "panic", "t"]);
        assert_eq!(of_text("Straße 東京 \u{0}x"), ["straße", "x", "京", "東"]);
        assert_eq!(of_text(" — "), Vec::<String>::new());
        assert_eq!(of_text(&"a".repeat(100))[0].len(), 48);
    }

    #[test]
    fn a_query_is_words_and_beginnings() {
        let query = MessageQuery { text: "Foo bar* \"x y\"".to_owned(), ..MessageQuery::default() };
        let wanted = Wanted::of(&query);
        assert_eq!(wanted.for_sqlite(), r#""foo" "x" "y" "bar" *"#);
        assert!(wanted.is_in(&of_text("y x barn foo")));
        assert!(!wanted.is_in(&of_text("y x ba foo")));
    }

    proptest! {
        #[test]
        fn words_hold_nothing_that_an_index_would_understand(text in any::<String>()) {
            for word in of_text(&text) {
                prop_assert!(word.chars().all(char::is_alphanumeric), "{}", word);
                prop_assert!(!word.is_empty());
            }
        }
    }
}
