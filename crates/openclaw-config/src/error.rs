use std::fmt;

use openclaw_errors::{ErrorKind, OpenClawError};

use crate::Issue;

/// Everything that keeps a configuration from loading; never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(pub Vec<Issue>);

impl ConfigErrors {
    /// Orders issues by their place; those without one come last.
    pub(crate) fn sorted(mut issues: Vec<Issue>) -> Self {
        sort(&mut issues);
        Self(issues)
    }
}

/// Orders issues as a reader meets them: by file, line and column, then those without a place. Of
/// several about one value the first stays: the others follow from it.
pub(crate) fn sort(issues: &mut Vec<Issue>) {
    issues.sort_by(|a, b| {
        let place = |issue: &Issue| {
            issue
                .place
                .as_ref()
                .map(|place| (std::sync::Arc::clone(&place.file), place.line, place.column))
        };
        let (a, b) = (place(a), place(b));
        a.is_none().cmp(&b.is_none()).then_with(|| a.cmp(&b))
    });
    issues.dedup_by(|next, first| {
        next == first
            || (next.place.is_some() && next.place == first.place && next.key == first.key)
    });
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, issue) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{issue}")?;
        }
        Ok(())
    }
}

impl std::error::Error for ConfigErrors {}

impl From<ConfigErrors> for OpenClawError {
    fn from(errors: ConfigErrors) -> Self {
        let field = errors.0.first().map(|issue| issue.key.clone()).filter(|key| !key.is_empty());
        let error = Self::new(ErrorKind::Config, errors.to_string())
            .with_hint("correct the configuration, then run `openclaw config validate`");
        match field {
            Some(field) => error.with_field(field),
            None => error,
        }
    }
}
