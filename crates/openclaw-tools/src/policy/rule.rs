use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

use super::group;
use crate::names::{canonical_tool_name, other_names};

/// The compiled entries of one list, in its order.
#[derive(Debug, Clone)]
pub(super) struct Rules(Arc<[Entry]>);

/// One entry: its text and what it means.
#[derive(Debug)]
pub(super) struct Entry {
    text: String,
    meaning: Meaning,
}

#[derive(Debug)]
enum Meaning {
    Everything,
    Name(String),
    Glob(GlobMatcher),
    Group(&'static [&'static str]),
    Broken(String),
}

impl Rules {
    pub(super) fn compile(texts: &[String]) -> Self {
        Self(texts.iter().map(|text| Entry::compile(text)).collect())
    }

    pub(super) fn find(&self, wanted: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        self.0.iter().find(|entry| wanted(entry))
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.0
    }
}

impl Entry {
    fn compile(text: &str) -> Self {
        let trimmed = text.trim();
        let meaning = if trimmed.is_empty() {
            Meaning::Broken("it is empty".to_owned())
        } else if trimmed == "*" {
            Meaning::Everything
        } else if let Some(name) = trimmed.strip_prefix("group:") {
            match group::members(&name.to_ascii_lowercase()) {
                Some(members) => Meaning::Group(members),
                None => {
                    Meaning::Broken(format!("there is no such group; there are {}", group::NAMES))
                }
            }
        } else if trimmed.contains(['*', '?', '[', '{', '\\']) {
            match GlobBuilder::new(trimmed).case_insensitive(true).build() {
                Ok(glob) => Meaning::Glob(glob.compile_matcher()),
                Err(error) => Meaning::Broken(error.to_string()),
            }
        } else {
            Meaning::Name(canonical_tool_name(trimmed).into_owned())
        };
        Self { text: text.to_owned(), meaning }
    }

    /// Whether it names the tool of this canonical name. A broken entry names none.
    pub(super) fn matches(&self, name: &str) -> bool {
        match &self.meaning {
            Meaning::Everything => true,
            Meaning::Name(own) => own == name,
            Meaning::Glob(glob) => {
                glob.is_match(name) || other_names(name).any(|other| glob.is_match(other))
            }
            Meaning::Group(members) => members.contains(&name),
            Meaning::Broken(_) => false,
        }
    }

    pub(super) fn is_broken(&self) -> bool {
        matches!(self.meaning, Meaning::Broken(_))
    }

    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The text and what is wrong with it.
    pub(super) fn problem(&self) -> Option<(&str, &str)> {
        match &self.meaning {
            Meaning::Broken(problem) => Some((&self.text, problem)),
            _ => None,
        }
    }
}
