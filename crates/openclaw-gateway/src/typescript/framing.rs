use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt as _;
use openclaw_protocol::Scope;
use openclaw_protocol::typescript::methods::{self as table, MethodInfo, Need, Standing};
use openclaw_protocol::typescript::{Request, WireCode, WireError, failure, success};
use serde_json::Value;

use super::handshake;
use super::link::{Connected, Link, Parting};
use super::methods::{self, Call};
use crate::auth::CallClass;
use crate::rpc::{lacks, take_turn_of};

/// What is to be done after a frame.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// The last answer to it.
    pub(crate) answer: Option<String>,
    /// Whether the connection ends then.
    pub(crate) parting: Option<Parting>,
}

impl Outcome {
    fn answer(text: String) -> Self {
        Self { answer: Some(text), parting: None }
    }

    /// Refuses a frame and ends the connection.
    pub(super) fn refuse(id: &str, error: &WireError, parting: Parting) -> Self {
        Self { answer: Some(failure(id, error)), parting: Some(parting) }
    }
}

/// Answers one `req` frame.
pub(crate) async fn answer(link: &Arc<Link>, text: &str) -> Outcome {
    let request = match Request::parse(text) {
        Ok(request) => request,
        Err(reason) => return not_a_request(link, &reason),
    };
    let Some(connected) = link.connected() else {
        return handshake::answer(link, &request).await;
    };
    let work = AssertUnwindSafe(call(link, connected, &request)).catch_unwind();
    let answered = work.await.unwrap_or_else(|_| {
        tracing::error!(method = &*request.method, "a method panicked");
        Err(WireError::unavailable("the method failed from within"))
    });
    match answered.and_then(|payload| written(&request, &payload)) {
        Ok(text) => Outcome::answer(text),
        Err(error) => Outcome::answer(failure(&request.id, &error)),
    }
}

/// Refuses a frame of a connection that has too many at work.
pub(crate) fn refuse(text: &str, message: &str) -> Option<String> {
    let request = Request::parse(text).ok()?;
    let mut error = WireError::unavailable(message);
    error.retryable = Some(true);
    Some(failure(&request.id, &error))
}

/// Whether a frame is answered only when something has happened.
pub(crate) fn may_wait(text: &str) -> bool {
    Request::parse(text).is_ok_and(|request| {
        matches!(&*request.method, "agent" | "agent.wait" | "tools.invoke" | "sessions.delete")
    })
}

fn written(request: &Request<'_>, payload: &Value) -> Result<String, WireError> {
    success(&request.id, payload).map_err(|error| {
        tracing::error!(method = &*request.method, %error, "a result cannot be written");
        WireError::unavailable("the result cannot be written")
    })
}

fn not_a_request(link: &Link, reason: &str) -> Outcome {
    let message = format!("invalid request frame: {reason}");
    let error = WireError::invalid(message.clone());
    if link.connected().is_some() {
        return Outcome::answer(failure("invalid", &error));
    }
    Outcome { answer: None, parting: Some(Parting::refusal(message)) }
}

async fn call(
    link: &Arc<Link>,
    connected: &Connected,
    request: &Request<'_>,
) -> Result<Value, WireError> {
    let name: String = request.method.chars().take(80).collect();
    let Some(method) = table::find(&request.method) else {
        return Err(WireError::invalid(format!("unknown method: {name}")));
    };
    let caller = &connected.caller;
    let principal = caller.signed_in()?;
    match method.need {
        Need::Connection => {}
        Need::Node => return Err(WireError::invalid("unauthorized role: operator")),
        Need::Scope(scope) => {
            if !principal.scopes.allows(scope) {
                let mut error = WireError::from(&lacks(method.name, scope));
                error.message = format!("missing scope: {scope}");
                return Err(error);
            }
        }
    }
    take_turn_of(&link.state, caller, Some(&principal), class_of(method))?;
    match method.standing {
        Standing::Done(_) => {
            let call = Call { state: &link.state, caller, link, request };
            methods::dispatch(call).await
        }
        Standing::Alternative(instead) => Err(WireError::new(
            WireCode::Unavailable,
            format!("{name} does not exist here; {instead}"),
        )),
        Standing::Waits(part) => Err(WireError::new(
            WireCode::Unavailable,
            format!("{name} is not built yet: it waits for {part}"),
        )),
    }
}

fn class_of(method: &MethodInfo) -> CallClass {
    match method.need {
        _ if matches!(method.name, "agent" | "chat.send" | "tools.invoke" | "wake") => {
            CallClass::Run
        }
        Need::Scope(Scope::Read) | Need::Connection => CallClass::Read,
        Need::Scope(_) | Need::Node => CallClass::Write,
    }
}
