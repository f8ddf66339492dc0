use std::fmt;

/// One step of a dotted key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    /// A key of a table.
    Key(String),
    /// An element of an array, from 0.
    Index(usize),
}

/// A text that is no dotted key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "not a dotted key: expected keys joined by dots, such as gateway.port, routing.rules[0].agent or groups.\"a b\""
)]
pub struct InvalidDottedKey;

/// A dotted key: bare or quoted keys and indices, such as `channels.telegram.groups."-100".agent`
/// or `routing.rules[0].agent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct DottedKey(pub(crate) Vec<Step>);

impl DottedKey {
    pub(crate) fn parse(text: &str) -> Result<Self, InvalidDottedKey> {
        let mut steps = Vec::new();
        let mut rest = text.trim();
        loop {
            let (key, after) = take_key(rest)?;
            steps.push(Step::Key(key));
            rest = after;
            while let Some(inner) = rest.strip_prefix('[') {
                let (digits, after) = inner.split_once(']').ok_or(InvalidDottedKey)?;
                steps.push(Step::Index(digits.parse().map_err(|_| InvalidDottedKey)?));
                rest = after;
            }
            if rest.is_empty() {
                return Ok(Self(steps));
            }
            rest = rest.strip_prefix('.').ok_or(InvalidDottedKey)?;
        }
    }
}

fn take_key(text: &str) -> Result<(String, &str), InvalidDottedKey> {
    for quote in ['"', '\''] {
        if let Some(inner) = text.strip_prefix(quote) {
            let (key, after) = inner.split_once(quote).ok_or(InvalidDottedKey)?;
            return Ok((key.to_owned(), after));
        }
    }
    let end = text.find(['.', '[']).unwrap_or(text.len());
    let key = &text[..end];
    if key.is_empty() || key.contains(|c: char| c.is_whitespace() || "]\"'=#".contains(c)) {
        return Err(InvalidDottedKey);
    }
    Ok((key.to_owned(), &text[end..]))
}

impl fmt::Display for DottedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut path = String::new();
        for step in &self.0 {
            match step {
                Step::Key(key) => path = join(&path, key),
                Step::Index(index) => path.push_str(&format!("[{index}]")),
            }
        }
        f.write_str(&path)
    }
}

/// Appends a key to a dotted path, quoted where TOML asks for it.
pub(crate) fn join(path: &str, key: &str) -> String {
    let bare = !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
    let dot = if path.is_empty() { "" } else { "." };
    let quote = if key.contains('"') { '\'' } else { '"' };
    if bare { format!("{path}{dot}{key}") } else { format!("{path}{dot}{quote}{key}{quote}") }
}

#[cfg(test)]
mod tests {
    use super::{DottedKey, join};
    use proptest::prelude::*;

    #[test]
    fn keys_are_read_and_written_alike() {
        for text in [
            "gateway.port",
            "channels.telegram.groups.-100.agent",
            "routing.rules[0].agent",
            "session.identity_links.\"a b\"",
            "x[1][2]",
        ] {
            assert_eq!(DottedKey::parse(text).expect(text).to_string(), text);
        }
        let quoted = DottedKey::parse("channels.telegram.groups.\"-100\".agent").expect("valid");
        assert_eq!(quoted.to_string(), "channels.telegram.groups.-100.agent");
    }

    #[test]
    fn what_is_no_key_is_refused() {
        for text in ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a[-1]", "a b", "\"a", "a]b", "a=1"]
        {
            assert!(DottedKey::parse(text).is_err(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_a_key_or_refused(text in ".{0,40}") {
            if let Ok(key) = DottedKey::parse(&text) {
                prop_assert_eq!(DottedKey::parse(&key.to_string()), Ok(key));
            }
        }

        #[test]
        fn a_joined_key_is_one_step(key in "[^\"]{0,12}") {
            let parsed = DottedKey::parse(&join("top", &key)).expect("joined");
            prop_assert_eq!(parsed.0.len(), 2);
        }
    }
}
