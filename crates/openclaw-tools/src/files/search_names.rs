use std::path::Path;

use globset::{GlobBuilder, GlobMatcher};
use regex::{Regex, RegexBuilder};

/// A pattern for names. Models give globs, parts of names and regular expressions; a name matches
/// that fits any reading, whatever its case.
pub(super) struct NamePattern {
    part: String,
    glob: Option<(GlobMatcher, bool)>,
    regex: Option<Regex>,
}

impl NamePattern {
    pub(super) fn new(pattern: &str) -> Self {
        let has_slash = pattern.contains('/');
        let glob = GlobBuilder::new(pattern)
            .literal_separator(true)
            .case_insensitive(true)
            .build()
            .ok()
            .filter(|_| pattern.contains(['*', '?', '[', '{']))
            .map(|glob| (glob.compile_matcher(), has_slash));
        let is_regex = pattern.contains(['^', '$', '|', '\\', '(']) || pattern.contains(".*");
        let regex = RegexBuilder::new(pattern).case_insensitive(true).size_limit(1 << 20).build();
        let regex = regex.ok().filter(|_| is_regex);
        Self { part: pattern.to_lowercase(), glob, regex }
    }

    /// `path` is below the workspace; a pattern without a slash looks at the last name only.
    pub(super) fn is_match(&self, path: &Path) -> bool {
        let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
        let whole = path.to_string_lossy();
        let subject = if self.part.contains('/') { &whole } else { &name };
        subject.to_lowercase().contains(&self.part)
            || self.glob.as_ref().is_some_and(|(glob, has_slash)| {
                if *has_slash { glob.is_match(path) } else { glob.is_match(name.as_ref()) }
            })
            || self.regex.as_ref().is_some_and(|regex| regex.is_match(subject))
    }
}
