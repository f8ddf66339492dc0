use std::time::Duration;

use openclaw_channel_traits::{ChannelError, DeliveryError};
use openclaw_core::ChatId;
use serde_json::Value;
use teloxide::{ApiError, RequestError};

/// Why a call did not succeed, as far as it can be told. The texts hold no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CallFailure {
    #[error("asked to wait {}s", .0.as_secs())]
    RetryAfter(Duration),
    #[error("the chat moved to {0}")]
    Migrated(i64),
    #[error("{0}")]
    Unauthorized(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    Forbidden(String),
    #[error("{0}")]
    BadRequest(String),
    #[error("{0}")]
    TooLarge(String),
    /// The service answered that it is down.
    #[error("{0}")]
    Down(String),
    /// The connection was never made.
    #[error("{0}")]
    NotSent(String),
    /// It was given over; what became of it is not known.
    #[error("{0}")]
    Uncertain(String),
}

/// What an answer that teloxide could not read says.
pub(super) enum Salvaged {
    /// It was done; the message has this id.
    Sent(i32),
    Failure(CallFailure),
}

impl CallFailure {
    pub(super) fn of(error: &RequestError) -> Self {
        match error {
            RequestError::Api(error) => Self::of_description(&description(error)),
            RequestError::MigrateToChatId(to) => Self::Migrated(to.0),
            RequestError::RetryAfter(seconds) => Self::RetryAfter(seconds.duration()),
            RequestError::Network(error) if error.is_connect() => Self::NotSent(chain(&**error)),
            RequestError::Network(error) => Self::Uncertain(chain(&**error)),
            RequestError::InvalidJson { raw, .. } => match salvage(raw) {
                Salvaged::Sent(_) => Self::Uncertain("the answer cannot be read".to_owned()),
                Salvaged::Failure(failure) => failure,
            },
            // A file that could not be read: the upload was cut short, so it cannot have been taken.
            RequestError::Io(error) => Self::NotSent(format!("cannot read the file: {error}")),
        }
    }

    /// By the prefix: teloxide drops the code, and some of its own texts are outdated.
    pub(super) fn of_description(text: &str) -> Self {
        let owned = text.to_owned();
        let starts = |prefix: &str| text.starts_with(prefix);
        if starts("Forbidden") || starts("Unauthorized: bot") {
            Self::Forbidden(owned)
        } else if starts("Unauthorized") || starts("Invalid bot token") || starts("Not Found") {
            Self::Unauthorized(owned)
        } else if starts("Conflict") || starts("can't use getUpdates method") {
            Self::Conflict(owned)
        } else if starts("Request Entity Too Large") || is_too_large(text) {
            Self::TooLarge(owned)
        } else if let Some(seconds) = text.strip_prefix("Too Many Requests") {
            let seconds = seconds.rsplit(' ').next().and_then(|seconds| seconds.parse().ok());
            Self::RetryAfter(Duration::from_secs(seconds.unwrap_or(5)))
        } else if DOWN.iter().any(|prefix| starts(prefix)) {
            Self::Down(owned)
        } else {
            Self::BadRequest(owned)
        }
    }

    pub(crate) fn map_text(self, map: impl Fn(&str) -> String) -> Self {
        match self {
            Self::RetryAfter(pause) => Self::RetryAfter(pause),
            Self::Migrated(to) => Self::Migrated(to),
            Self::Unauthorized(text) => Self::Unauthorized(map(&text)),
            Self::Conflict(text) => Self::Conflict(map(&text)),
            Self::Forbidden(text) => Self::Forbidden(map(&text)),
            Self::BadRequest(text) => Self::BadRequest(map(&text)),
            Self::TooLarge(text) => Self::TooLarge(map(&text)),
            Self::Down(text) => Self::Down(map(&text)),
            Self::NotSent(text) => Self::NotSent(map(&text)),
            Self::Uncertain(text) => Self::Uncertain(map(&text)),
        }
    }

    /// Whether the service refused it with a text that holds this.
    pub(crate) fn refused_with(&self, part: &str) -> bool {
        matches!(self, Self::BadRequest(text) | Self::TooLarge(text)
            if text.to_ascii_lowercase().contains(&part.to_ascii_lowercase()))
    }

    pub(crate) fn into_delivery(self) -> DeliveryError {
        match self {
            Self::RetryAfter(pause) => DeliveryError::RetryAfter(pause),
            Self::Migrated(to) => match ChatId::new(to.to_string()) {
                Ok(to) => DeliveryError::Migrated(to),
                Err(error) => DeliveryError::Refused(error.to_string()),
            },
            Self::Unauthorized(text) => DeliveryError::Auth(text),
            Self::Forbidden(text) => DeliveryError::Blocked(text),
            Self::BadRequest(text) if is_shut_out(&text) => DeliveryError::Blocked(text),
            Self::BadRequest(text) | Self::Conflict(text) => DeliveryError::Refused(text),
            Self::TooLarge(text) => DeliveryError::TooLarge(text),
            Self::Down(text) | Self::NotSent(text) => DeliveryError::Unreachable(text),
            Self::Uncertain(text) => DeliveryError::Unknown(text),
        }
    }

    pub(crate) fn into_channel(self) -> ChannelError {
        match self {
            Self::Unauthorized(text) => ChannelError::Auth(text),
            Self::Conflict(text) => ChannelError::Conflict(text),
            Self::RetryAfter(pause) => ChannelError::Connection {
                message: "the service asks to wait".to_owned(),
                retry_after: Some(pause),
            },
            other => ChannelError::Connection { message: other.to_string(), retry_after: None },
        }
    }
}

const DOWN: [&str; 4] =
    ["Internal Server Error", "Bad Gateway", "Service Unavailable", "Gateway Timeout"];

fn is_too_large(text: &str) -> bool {
    [
        "message is too long",
        "MESSAGE_TOO_LONG",
        "caption is too long",
        "CAPTION_TOO_LONG",
        "file is too big",
    ]
    .iter()
    .any(|part| text.contains(part))
}

fn is_shut_out(text: &str) -> bool {
    [
        "not enough rights",
        "no rights to send",
        "CHAT_WRITE_FORBIDDEN",
        "group is deactivated",
        "need administrator rights",
        "CHAT_RESTRICTED",
        "USER_IS_BLOCKED",
    ]
    .iter()
    .any(|part| text.contains(part))
}

fn description(error: &ApiError) -> String {
    match error {
        ApiError::Unknown(text) => text.clone(),
        known => known.to_string(),
    }
}

/// Reads an answer that does not have the form teloxide expects.
pub(super) fn salvage(raw: &str) -> Salvaged {
    if let Ok(answer) = serde_json::from_str::<Value>(raw) {
        if answer["ok"] == false {
            let parameters = &answer["parameters"];
            if let Some(seconds) = parameters["retry_after"].as_u64() {
                return Salvaged::Failure(CallFailure::RetryAfter(Duration::from_secs(seconds)));
            }
            if let Some(to) = parameters["migrate_to_chat_id"].as_i64() {
                return Salvaged::Failure(CallFailure::Migrated(to));
            }
            if let Some(text) = answer["description"].as_str() {
                return Salvaged::Failure(CallFailure::of_description(text));
            }
        }
        let result =
            if answer["result"].is_array() { &answer["result"][0] } else { &answer["result"] };
        let id = result["message_id"].as_i64().and_then(|id| i32::try_from(id).ok());
        if let Some(id) = id.filter(|_| answer["ok"] == true) {
            return Salvaged::Sent(id);
        }
    }
    match id_of_cut_answer(raw) {
        Some(id) => Salvaged::Sent(id),
        None => Salvaged::Failure(CallFailure::Uncertain("the answer cannot be read".to_owned())),
    }
}

/// The id in an answer that ends too early. Only where it stands first in the result: further in, it
/// may be that of an answered message.
fn id_of_cut_answer(raw: &str) -> Option<i32> {
    let head: String = raw.chars().filter(|c| !c.is_whitespace()).take(200).collect();
    let result = head.strip_prefix("{\"ok\":true,\"result\":")?;
    let message = result.strip_prefix('[').unwrap_or(result);
    let digits = message.strip_prefix("{\"message_id\":")?;
    let end = digits.find(|c: char| !c.is_ascii_digit())?;
    digits[..end].parse().ok()
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CallFailure, Salvaged, salvage};

    #[test]
    fn descriptions_are_told_apart_by_their_beginning() {
        let of = CallFailure::of_description;
        assert!(matches!(of("Forbidden: bot is not a member"), CallFailure::Forbidden(_)));
        assert!(matches!(of("Unauthorized: bot was kicked"), CallFailure::Forbidden(_)));
        assert!(matches!(of("Unauthorized"), CallFailure::Unauthorized(_)));
        assert!(matches!(of("Conflict: can't use getUpdates"), CallFailure::Conflict(_)));
        assert!(matches!(of("Bad Request: message is too long"), CallFailure::TooLarge(_)));
        assert!(matches!(of("Bad Request: chat not found"), CallFailure::BadRequest(_)));
        assert!(matches!(of("Bad Gateway"), CallFailure::Down(_)));
        assert_eq!(
            of("Too Many Requests: retry after 7"),
            CallFailure::RetryAfter(Duration::from_secs(7))
        );
    }

    #[test]
    fn answers_that_cannot_be_read_are_searched_for_the_id() {
        let id = |raw: &str| match salvage(raw) {
            Salvaged::Sent(id) => Some(id),
            Salvaged::Failure(_) => None,
        };
        assert_eq!(id(r#"{"ok":true,"result":{"message_id":17,"date":"soon"}}"#), Some(17));
        assert_eq!(id(r#"{"ok":true, "result": [{"message_id":17,"da"#), Some(17));
        assert_eq!(id(r#"{"ok":true,"result":{"message_id":1"#), None);
        assert_eq!(id(r#"{"ok":true,"result":{"reply_to_message":{"message_id":3},"#), None);
        assert_eq!(id("<html>\"message_id\":3,</html>"), None);
    }

    #[test]
    fn refusals_with_unknown_parameters_are_refusals() {
        let raw = r#"{"ok":false,"description":"Forbidden: no","parameters":{"something":1}}"#;
        let Salvaged::Failure(failure) = salvage(raw) else { panic!("it was refused") };
        assert_eq!(failure, CallFailure::Forbidden("Forbidden: no".to_owned()));
    }
}
