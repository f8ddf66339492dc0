use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// An id that does not have the form its type asks for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid {what} {value:?}: {expected}")]
pub struct InvalidId {
    /// The type of id.
    pub what: &'static str,
    /// The text that was refused, cut to 80 characters.
    pub value: String,
    /// What the form is.
    pub expected: &'static str,
}

impl InvalidId {
    fn new(what: &'static str, value: &str, expected: &'static str) -> Self {
        Self { what, value: value.chars().take(80).collect(), expected }
    }
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $what:literal, $expected:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Validates and wraps the text.
            ///
            /// # Errors
            /// When the text does not have the form of this id.
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidId> {
                let text = text.into();
                let check: fn(&str) -> bool = $check;
                if check(&text) {
                    Ok(Self(text))
                } else {
                    Err(InvalidId::new($what, &text, $expected))
                }
            }

            /// The text of the id.
            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The text of the id, owned.
            pub fn into_string(self) -> String {
                self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;
            fn from_str(text: &str) -> Result<Self, InvalidId> {
                Self::new(text)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::new(text).map_err(serde::de::Error::custom)
            }
        }
    };
}

fn is_opaque(text: &str) -> bool {
    !text.is_empty() && text.len() <= 512 && !text.contains('\0')
}

fn is_slug(text: &str, max: usize) -> bool {
    text.len() <= max
        && text.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b))
}

fn is_channel_id(text: &str) -> bool {
    match text.split_once('/') {
        None => is_slug(text, 64),
        Some((kind, account)) => {
            is_slug(kind, 64)
                && !account.is_empty()
                && account.len() <= 64
                && account.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-.".contains(&b))
        }
    }
}

fn is_run_id(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:-".contains(&b))
}

text_id!(
    /// A stored message, UUIDv7 text.
    MessageId, "message id", "1 to 512 bytes without NUL", is_opaque);
text_id!(
    /// One life of a session, UUIDv7 text; a reset gives a new one under the same [`crate::SessionKey`].
    SessionId, "session id", "1 to 512 bytes without NUL", is_opaque);
text_id!(
    /// One run of the agent: the caller's idempotency key, else UUIDv7 text.
    RunId, "run id", "1 to 128 of A-Z a-z 0-9 . _ : -", is_run_id);
text_id!(
    /// A row of the inbox, UUIDv7 text.
    InboxId, "inbox id", "1 to 512 bytes without NUL", is_opaque);
text_id!(
    /// A row of the outbox, UUIDv7 text; doubles as the idempotency key towards the service.
    OutboxId, "outbox id", "1 to 512 bytes without NUL", is_opaque);
text_id!(
    /// The service's own id of one event, unique within (channel, chat).
    ExternalId, "external id", "1 to 512 bytes without NUL", is_opaque);
text_id!(
    /// The service's id of a chat.
    ChatId, "chat id", "1 to 512 bytes without NUL", is_opaque);
text_id!(
    /// The service's id of a thread or topic within a chat.
    ThreadId, "thread id", "1 to 512 bytes without NUL", is_opaque);
text_id!(
    /// The service's id of a user.
    UserId, "user id", "1 to 512 bytes without NUL", is_opaque);
text_id!(
    /// The id a model gave one of its tool calls.
    CallId, "call id", "1 to 512 bytes without NUL", is_opaque);
text_id!(
    /// An agent.
    AgentId, "agent id", "[a-z0-9][a-z0-9_-]{0,63}", |t| is_slug(t, 64));
text_id!(
    /// A kind of channel, such as `telegram`.
    ChannelKind, "channel kind", "[a-z0-9][a-z0-9_-]{0,63}", |t| is_slug(t, 64));
text_id!(
    /// One channel account: `<kind>` for the default account, else `<kind>/<account>`.
    ChannelId, "channel id", "<kind> or <kind>/<account>", is_channel_id);
text_id!(
    /// A scheduled job.
    JobId, "job id", "1 to 80 of A-Z a-z 0-9 _ -", |t| (1..=80).contains(&t.len())
        && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)));
text_id!(
    /// A tool.
    ToolName, "tool name", "1 to 64 of A-Z a-z 0-9 _ -", |t| (1..=64).contains(&t.len())
        && t.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b)));
text_id!(
    /// A stored attachment: the lower-case hex SHA-256 of its bytes.
    MediaId, "media id", "64 lower-case hex digits", |t| t.len() == 64
        && t.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)));

impl ChannelId {
    /// The id of the default account of a kind.
    pub fn of_kind(kind: &ChannelKind) -> Self {
        Self(kind.0.clone())
    }

    /// The id of a named account of a kind.
    ///
    /// # Errors
    /// When the account's name is empty, longer than 64 bytes or holds other than letters, digits, `_`, `-`, `.`.
    pub fn of_account(kind: &ChannelKind, account: &str) -> Result<Self, InvalidId> {
        Self::new(format!("{kind}/{account}"))
    }

    /// The built-in web chat.
    pub fn web() -> Self {
        Self("web".to_owned())
    }

    /// The kind before the slash.
    pub fn kind(&self) -> ChannelKind {
        ChannelKind(self.0.split('/').next().unwrap_or_default().to_owned())
    }

    /// The account after the slash; `None` is the default account.
    pub fn account(&self) -> Option<&str> {
        self.0.split_once('/').map(|(_, account)| account)
    }
}

impl AgentId {
    /// The agent `main`, which always exists.
    pub fn main() -> Self {
        Self("main".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::{AgentId, ChannelId, MediaId, RunId};

    #[test]
    fn forms_are_enforced() {
        assert!(AgentId::new("main").is_ok());
        assert!(AgentId::new("Main").is_err());
        assert!(AgentId::new("-x").is_err());
        assert!(ChannelId::new("telegram/work.bot").is_ok());
        assert!(ChannelId::new("telegram/").is_err());
        assert!(RunId::new("a".repeat(129)).is_err());
        assert!(RunId::new("bench-1:2.x_y").is_ok());
        assert!(MediaId::new("ab").is_err());
    }

    #[test]
    fn channel_id_splits() {
        let id = ChannelId::new("telegram/work").expect("valid");
        assert_eq!(id.kind().as_str(), "telegram");
        assert_eq!(id.account(), Some("work"));
        assert_eq!(ChannelId::web().account(), None);
    }
}
