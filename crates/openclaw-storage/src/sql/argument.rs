use openclaw_core::{
    AgentId, ChannelId, ChatId, ExternalId, InboxId, JobId, MessageId, OutboxId, RunId, SessionId,
    SessionKey, ThreadId, Timestamp, UserId,
};
use serde::Serialize;

/// A value bound to a placeholder.
#[derive(Debug, Clone)]
pub(crate) enum Argument {
    Null,
    Integer(i64),
    Text(String),
    Bytes(Vec<u8>),
}

/// A value as the text of a JSON column.
pub(crate) fn json<T: Serialize + ?Sized>(value: &T) -> Argument {
    Argument::Text(
        serde_json::to_string(value).expect("plain data with text keys always serialises"),
    )
}

/// An optional value as the text of a JSON column.
pub(crate) fn json_or_null<T: Serialize>(value: Option<&T>) -> Argument {
    value.map_or(Argument::Null, json)
}

impl From<i64> for Argument {
    fn from(value: i64) -> Self {
        Self::Integer(value)
    }
}

impl From<u32> for Argument {
    fn from(value: u32) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl From<bool> for Argument {
    fn from(value: bool) -> Self {
        Self::Integer(i64::from(value))
    }
}

impl From<Timestamp> for Argument {
    fn from(value: Timestamp) -> Self {
        Self::Integer(value.as_millis())
    }
}

impl From<&str> for Argument {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Argument {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<u8>> for Argument {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<&String> for Argument {
    fn from(value: &String) -> Self {
        Self::Text(value.clone())
    }
}

impl<T: Into<Argument>> From<Option<T>> for Argument {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

macro_rules! from_ids {
    ($($id:ty),*) => {$(
        impl From<&$id> for Argument {
            fn from(value: &$id) -> Self {
                Self::Text(value.as_str().to_owned())
            }
        }
    )*};
}

from_ids!(
    AgentId, ChannelId, ChatId, ExternalId, InboxId, JobId, MessageId, OutboxId, RunId, SessionId,
    SessionKey, ThreadId, UserId
);

/// The arguments of one statement, in the order of its placeholders.
macro_rules! arguments {
    ($($value:expr),* $(,)?) => {
        [$($crate::sql::argument::Argument::from($value)),*]
    };
}
pub(crate) use arguments;
