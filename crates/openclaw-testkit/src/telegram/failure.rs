use std::time::Duration;

use serde::Deserialize;

/// What happens to a call instead of, or on top of, what it asks for.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Failure {
    /// 401.
    Unauthorized,
    /// 409 as a second poller causes it.
    Conflict,
    /// 429 with `retry_after` in seconds.
    RateLimited {
        /// Seconds to wait.
        retry_after: u32,
    },
    /// 400 with this text after `Bad Request: `.
    BadRequest {
        /// The text.
        description: String,
    },
    /// 403 with this text after `Forbidden: `.
    Forbidden {
        /// The text.
        description: String,
    },
    /// 500 with the JSON body of the Bot API.
    ServerError,
    /// 502 with the HTML page of a proxy.
    BadGateway,
    /// The call is done, the answer is 200 with a body that is no JSON.
    Undecodable,
    /// The call is done, the answer is 200 and ends in the middle of its JSON, after the message's id.
    Truncated,
    /// Nothing is done and no answer comes.
    Hang,
    /// The call is done and no answer comes.
    DoneThenHang,
    /// Nothing is done and the connection is closed.
    Drop,
    /// The call is done and the connection is closed without an answer.
    DoneThenDrop,
    /// The call is done after a pause.
    Slow {
        /// The pause in milliseconds.
        millis: u64,
    },
}

impl Failure {
    /// A call that takes this long.
    pub fn slow(pause: Duration) -> Self {
        Self::Slow { millis: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX) }
    }
}

/// A failure waiting for calls.
#[derive(Debug, Clone)]
pub(crate) struct ScriptedFailure {
    /// The method's name, or `*`.
    pub(crate) method: String,
    pub(crate) times: u32,
    pub(crate) failure: Failure,
}

impl ScriptedFailure {
    pub(crate) fn is_for(&self, method: &str) -> bool {
        self.method == "*" || self.method.eq_ignore_ascii_case(method)
    }
}
