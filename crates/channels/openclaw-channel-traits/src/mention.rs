//! Whether a message in a group is meant for the assistant.

use regex::{Regex, RegexBuilder};

/// The names and patterns by which the assistant is addressed in text.
///
/// For what a service marks as a mention the channel's own parser is better; this finds what people
/// write by hand.
#[derive(Debug, Clone, Default)]
pub struct MentionMatcher {
    patterns: Vec<Regex>,
}

/// A pattern that is no regular expression, or too large a one.
#[derive(Debug, thiserror::Error)]
#[error("not a usable regular expression")]
pub struct InvalidPattern(#[source] Box<regex::Error>);

impl MentionMatcher {
    /// `names` are found as whole words, with or without `@`; `patterns` are regular expressions.
    /// Both without regard to case.
    ///
    /// # Errors
    /// When a pattern is no regular expression, or compiles to more than 256 KiB.
    pub fn new<'a>(
        names: impl IntoIterator<Item = &'a str>,
        patterns: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, InvalidPattern> {
        let names = names.into_iter().map(normalise);
        let names = names.map(|name| name.trim_start_matches('@').trim().to_owned());
        let names = names.filter(|name| !name.is_empty());
        let mut compiled = Vec::new();
        for name in names {
            compiled.push(compile(&name_pattern(&name))?);
        }
        for pattern in patterns {
            compiled.push(compile(pattern)?);
        }
        Ok(Self { patterns: compiled })
    }

    /// Whether the text addresses the assistant.
    pub fn matches(&self, text: &str) -> bool {
        if self.patterns.is_empty() {
            return false;
        }
        let text = normalise(text);
        self.patterns.iter().any(|pattern| pattern.is_match(&text))
    }
}

fn compile(pattern: &str) -> Result<Regex, InvalidPattern> {
    const SIZE_LIMIT: usize = 256 * 1024;
    let mut builder = RegexBuilder::new(pattern);
    builder.case_insensitive(true).size_limit(SIZE_LIMIT);
    builder.build().map_err(|error| InvalidPattern(Box::new(error)))
}

fn name_pattern(name: &str) -> String {
    // A name that is an emoji has no word boundary at its sides.
    let is_word = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    let before = if is_word(name.chars().next()) { r"(?:^|[^\w])" } else { "" };
    let after = if is_word(name.chars().next_back()) { r"(?:$|[^\w])" } else { "" };
    format!("{before}{}{after}", regex::escape(name))
}

/// Text made comparable: without characters that are not seen, every run of white space one space.
///
/// Services and keyboards put zero-width characters and no-break spaces into names.
pub fn normalise(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    for c in text.chars() {
        if is_invisible(c) {
            continue;
        }
        if c.is_whitespace() {
            if !normal.ends_with(' ') {
                normal.push(' ');
            }
        } else {
            normal.push(c);
        }
    }
    normal.trim().to_owned()
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2064}'
        | '\u{2066}'..='\u{2069}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::{MentionMatcher, normalise};

    #[test]
    fn names_are_whole_words_in_any_case() {
        let matcher = MentionMatcher::new(["Molty", "@claw_bot", "", "🦞"], []).unwrap();
        for text in [
            "molty",
            "Hi MOLTY!",
            "@Molty, hi",
            "(claw_bot)",
            "hey @CLAW_BOT",
            "a🦞b",
            "mol\u{200b}ty",
        ] {
            assert!(matcher.matches(text), "{text}");
        }
        for text in ["", "moltys", "xmolty", "claw_bot2", "claw bot", "e@mol.ty"] {
            assert!(!matcher.matches(text), "{text}");
        }
        assert!(!MentionMatcher::default().matches("molty"));
    }

    #[test]
    fn patterns_are_regular_expressions_over_normal_text() {
        let matcher = MentionMatcher::new([], [r"^(hey|ok) computer\b"]).unwrap();
        assert!(matcher.matches("  HEY\u{a0}\n computer do it"));
        assert!(!matcher.matches("well, hey computer"));
        assert!(MentionMatcher::new([], ["("]).is_err());
        assert!(MentionMatcher::new([], [r"(\w{1000}){1000}"]).is_err());
        assert!(MentionMatcher::new(["a.b(c"], []).unwrap().matches("x a.b(c y"));
    }

    #[test]
    fn normal_text_has_single_spaces_and_nothing_unseen() {
        assert_eq!(normalise(" a\u{200e} \t b\u{fe0f}\n"), "a b");
    }
}
