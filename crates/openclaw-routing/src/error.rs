use openclaw_core::{AgentId, InvalidSessionKey};
use openclaw_errors::{ErrorKind, OpenClawError};

/// Why rules do not compile.
#[derive(Debug, thiserror::Error)]
pub enum RoutingError {
    /// A rule names an agent that does not exist.
    #[error("{place}: routing rule names agent {agent}, which is not configured")]
    UnknownAgent {
        /// The rule.
        place: String,
        /// The agent it names.
        agent: AgentId,
    },
    /// A rule's session is no rest of a session key.
    #[error("{place}: routing rule has an invalid session")]
    InvalidSession {
        /// The rule.
        place: String,
        /// What is wrong with it.
        #[source]
        source: InvalidSessionKey,
    },
    /// A rule's pattern is no regular expression, or too large a one.
    #[error("{place}: routing rule has an invalid pattern")]
    InvalidPattern {
        /// The rule.
        place: String,
        /// What is wrong with it.
        #[source]
        source: Box<regex::Error>,
    },
    /// The patterns of all rules together are too large.
    #[error("the patterns of all routing rules together are too large")]
    PatternsTooLarge(#[source] aho_corasick::BuildError),
}

impl From<RoutingError> for OpenClawError {
    fn from(error: RoutingError) -> Self {
        let hint = match &error {
            RoutingError::UnknownAgent { .. } => "add it to [[agents.list]], or name another agent",
            RoutingError::InvalidSession { .. } => {
                "a session is what follows agent:<id>: in a session key"
            }
            RoutingError::InvalidPattern { .. } => "see https://docs.rs/regex for the syntax",
            RoutingError::PatternsTooLarge(_) => "use fewer or shorter patterns",
        };
        Self::new(ErrorKind::Config, error.to_string()).with_hint(hint).with_source(error)
    }
}
