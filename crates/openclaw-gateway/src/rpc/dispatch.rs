use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use futures_util::FutureExt as _;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::envelope::{Call, Incoming, Params, Rejected, failure, success};
use openclaw_protocol::methods as m;
use openclaw_protocol::{Access, ErrorObject, Method, MethodInfo, Scope, registry};
use serde_json::Value;

use super::{
    Caller, agent, approval, authenticate, backup, channel, config, cron, device, gateway, keys,
    logs, memory, message, models, pairing, route, session, subscription, tool, usage,
};
use crate::GatewayState;
use crate::auth::{CallClass, Principal};
use crate::observe::scope;

/// Answers one text: a call, or a batch whose calls run in order. `None` where nothing is to be
/// answered: the text held only notifications.
pub async fn answer(state: &Arc<GatewayState>, caller: &Arc<Caller>, text: &str) -> Option<String> {
    scope(|| state.ids.new_id(), answer_text(state, caller, text)).await
}

async fn answer_text(
    state: &Arc<GatewayState>,
    caller: &Arc<Caller>,
    text: &str,
) -> Option<String> {
    match Incoming::parse(text) {
        Err(Rejected { id, error }) => Some(failure(&id, &error)),
        Ok(Incoming::Single(call)) => answer_one(state, caller, call).await,
        Ok(Incoming::Batch(calls)) => {
            let mut answers = Vec::new();
            for call in calls {
                answers.extend(answer_one(state, caller, call).await);
            }
            (!answers.is_empty()).then(|| format!("[{}]", answers.join(",")))
        }
    }
}

/// Answers every call of a text with the same error, without running any.
pub fn refuse(text: &str, error: &ErrorObject) -> Option<String> {
    let one = |call: Result<Call<'_>, Rejected>| match call {
        Ok(call) => call.id.map(|id| failure(&id, error)),
        Err(rejected) => Some(failure(&rejected.id, &rejected.error)),
    };
    match Incoming::parse(text) {
        Err(Rejected { id, error }) => Some(failure(&id, &error)),
        Ok(Incoming::Single(call)) => one(call),
        Ok(Incoming::Batch(calls)) => {
            let answers: Vec<String> = calls.into_iter().filter_map(one).collect();
            (!answers.is_empty()).then(|| format!("[{}]", answers.join(",")))
        }
    }
}

/// Whether a text holds a call that may take long: one that waits for something to happen.
pub fn may_wait(text: &str) -> bool {
    let waits = |call: &Result<Call<'_>, Rejected>| {
        let method = call.as_ref().ok().and_then(|call| registry::find(&call.method));
        method.is_some_and(|method| {
            [
                m::AgentRun::NAME,
                m::MemoryIndex::NAME,
                m::MemorySearch::NAME,
                m::MessageReceive::NAME,
                m::ModelsProbe::NAME,
                m::ToolCall::NAME,
            ]
            .contains(&method.name)
        })
    };
    match Incoming::parse(text) {
        Err(_) => false,
        Ok(Incoming::Single(call)) => waits(&call),
        Ok(Incoming::Batch(calls)) => calls.iter().any(waits),
    }
}

async fn answer_one(
    state: &Arc<GatewayState>,
    caller: &Arc<Caller>,
    call: Result<Call<'_>, Rejected>,
) -> Option<String> {
    let call = match call {
        Ok(call) => call,
        Err(Rejected { id, error }) => return Some(failure(&id, &error)),
    };
    let id = call.id;
    let answer = match admit(state, caller, &call.method) {
        Ok(method) => {
            let work = dispatch(state, caller, method, call.params, id.as_ref());
            // A fault in one method must cost its caller an answer at most.
            AssertUnwindSafe(work).catch_unwind().await.unwrap_or_else(|_| {
                tracing::error!(method = method.name, "a method panicked");
                Err(ErrorObject::new(ErrorKind::Internal, "the method failed from within"))
            })
        }
        Err(error) => Err(ErrorObject::from(&error)),
    };
    let answer = answer.unwrap_or_else(|error| {
        caller.refused(error.kind());
        id.as_ref().map(|id| failure(id, &error)).unwrap_or_default()
    });
    id.map(|_| answer)
}

/// The method, if there is one that the caller may call now.
fn admit(
    state: &GatewayState,
    caller: &Caller,
    name: &str,
) -> Result<&'static MethodInfo, OpenClawError> {
    let method = registry::find(name);
    if let Some(method) = method.filter(|method| method.access == Access::Public) {
        // A ping costs less than counting it, and a sign-in is counted where it fails.
        if method.name == m::RpcDiscover::NAME {
            take_turn(state, caller, caller.principal().as_ref(), method)?;
        }
        return Ok(method);
    }
    // Who has not signed in is not told which methods there are.
    let principal = caller.signed_in()?;
    let Some(method) = method else {
        let message = format!("no method {:?}", shorten(name));
        return Err(OpenClawError::new(ErrorKind::MethodNotFound, message)
            .with_hint("rpc.discover lists the methods"));
    };
    if let Access::Scope(scope) = method.access
        && !principal.scopes.allows(scope)
    {
        return Err(lacks(method.name, scope));
    }
    take_turn(state, caller, Some(&principal), method)?;
    Ok(method)
}

pub(crate) fn lacks(method: &str, scope: Scope) -> OpenClawError {
    OpenClawError::new(ErrorKind::Forbidden, format!("{method} needs the scope {scope}"))
        .with_hint("use a credential that has it")
}

fn take_turn(
    state: &GatewayState,
    caller: &Caller,
    principal: Option<&Principal>,
    method: &MethodInfo,
) -> Result<(), OpenClawError> {
    take_turn_of(state, caller, principal, class_of(method))
}

/// Takes one call of a class of the caller's share.
pub(crate) fn take_turn_of(
    state: &GatewayState,
    caller: &Caller,
    principal: Option<&Principal>,
    class: CallClass,
) -> Result<(), OpenClawError> {
    let settings = state.config.current().gateway.rate_limit;
    caller.take_turn(principal, class, settings, state.clock.now()).map_err(|retry_after| {
        OpenClawError::new(ErrorKind::RateLimited, "too many calls with this credential")
            .with_retry_after(retry_after)
            .with_hint("call less often, or raise gateway.rate_limit")
    })
}

fn class_of(method: &MethodInfo) -> CallClass {
    match method.access {
        _ if [m::AgentRun::NAME, m::ToolCall::NAME, m::ModelsProbe::NAME]
            .contains(&method.name) =>
        {
            CallClass::Run
        }
        Access::Public | Access::Scope(Scope::Read) => CallClass::Read,
        Access::Scope(_) => CallClass::Write,
    }
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}

/// The OpenRPC document, generated when it is first asked for.
fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(openclaw_protocol::openrpc::document)
}

/// Reads the params, runs the method, writes the answer as JSON.
async fn typed<M: Method, F: Future<Output = Result<M::Result, OpenClawError>>>(
    params: Params<'_>,
    id: Option<&openclaw_protocol::envelope::Id>,
    run: impl FnOnce(M::Params) -> F,
) -> Result<String, ErrorObject> {
    let params = params.read::<M::Params>()?;
    let result = run(params).await.map_err(|error| {
        if matches!(error.kind(), ErrorKind::Internal | ErrorKind::Database) {
            tracing::error!(method = M::NAME, error = error.report(), "a method failed");
        }
        ErrorObject::from(&error)
    })?;
    match id {
        Some(id) => success(id, &result).map_err(|error| {
            tracing::error!(method = M::NAME, %error, "a result cannot be written");
            ErrorObject::new(ErrorKind::Internal, "the result cannot be written")
        }),
        None => Ok(String::new()),
    }
}

/// The code of a method: the same for every framing.
pub(crate) trait Handler: Method {
    /// Runs it for a caller that may call it.
    fn handle(
        state: &Arc<GatewayState>,
        caller: &Arc<Caller>,
        params: Self::Params,
    ) -> impl Future<Output = Result<Self::Result, OpenClawError>> + Send;
}

/// Calls a method from within, for a caller whose scopes allow it. Its share of calls was taken by
/// the frame that this is part of.
///
/// # Errors
/// `Forbidden` without the scope, else what the method says.
pub(crate) async fn call<M: Handler>(
    state: &Arc<GatewayState>,
    caller: &Arc<Caller>,
    params: M::Params,
) -> Result<M::Result, OpenClawError> {
    if let Access::Scope(scope) = M::ACCESS {
        let principal = caller.signed_in()?;
        if !principal.scopes.allows(scope) {
            return Err(lacks(M::NAME, scope));
        }
    }
    M::handle(state, caller, params).await
}

fn given<P, F>(params: P, run: impl FnOnce(P) -> F) -> F {
    run(params)
}

macro_rules! handlers {
    ($state:ident, $caller:ident, $($type:ty => $run:expr),+ $(,)?) => {
        $(impl Handler for $type {
            #[allow(unused_variables, reason = "not every method works on both")]
            async fn handle(
                $state: &Arc<GatewayState>,
                $caller: &Arc<Caller>,
                params: Self::Params,
            ) -> Result<Self::Result, OpenClawError> {
                given(params, $run).await
            }
        })+

        async fn dispatch(
            state: &Arc<GatewayState>,
            caller: &Arc<Caller>,
            method: &MethodInfo,
            params: Params<'_>,
            id: Option<&openclaw_protocol::envelope::Id>,
        ) -> Result<String, ErrorObject> {
            match method.name {
                $(<$type as Method>::NAME => {
                    typed::<$type, _>(params, id, |params| {
                        <$type as Handler>::handle(state, caller, params)
                    })
                    .await
                })+
                name => {
                    tracing::error!(method = name, "a method in the registry has no code");
                    Err(ErrorObject::new(ErrorKind::Internal, "the method has no code"))
                }
            }
        }
    };
}

handlers!(state, caller,
    m::Ping => async |_| Ok(m::PingResult { pong: true }),
    m::RpcDiscover => async |_| Ok(document().clone()),
    m::Authenticate => |params| authenticate::run(state, caller, params),
    m::SessionCreate => |params| session::create::run(state, caller, params),
    m::SessionGet => |params| session::get::run(state, params),
    m::SessionList => |params| session::list::run(state, params),
    m::SessionUpdate => |params| session::update::run(state, caller, params),
    m::SessionDelete => |params| session::delete::run(state, params),
    m::SessionReset => |params| session::reset::run(state, params),
    m::MessageSend => |params| message::send::run(state, caller, params),
    m::MessageReceive => |params| message::receive::run(state, caller, params),
    m::MessageHistory => |params| message::history::run(state, params),
    m::MessageSearch => |params| message::search::run(state, params),
    m::MemorySearch => |params| memory::search::run(state, caller, params),
    m::MemoryIndex => |params| memory::index::run(state, params),
    m::MemoryStatusGet => |params| memory::status::run(state, params),
    m::ChannelList => |_| channel::list::run(state),
    m::ChannelStatusGet => |params| channel::status::run(state, params),
    m::ChannelConnect => |params| channel::connect::run(state, params),
    m::ChannelDisconnect => |params| channel::disconnect::run(state, params),
    m::AgentRun => |params| agent::run::run(state, caller, params),
    m::AgentStop => |params| agent::stop::run(state, params),
    m::AgentStatus => |params| agent::status::run(state, params),
    m::ToolCall => |params| tool::call::run(state, caller, params),
    m::ToolList => |params| tool::list::run(state, params),
    m::ApprovalList => |_| approval::list::run(state),
    m::ApprovalResolve => |params| approval::resolve::run(state, caller, params),
    m::ApprovalAllowed => |_| approval::allowed::run(state),
    m::ApprovalForget => |params| approval::forget::run(state, params),
    m::PairingList => |params| pairing::list::run(state, params),
    m::PairingApprove => |params| pairing::approve::run(state, caller, params),
    m::DeviceList => |_| device::list::run(state),
    m::DeviceApprove => |params| device::approve::run(state, caller, params),
    m::DeviceReject => |params| device::reject::run(state, params),
    m::DeviceRotate => |params| device::rotate::run(state, caller, params),
    m::DeviceRevoke => |params| device::revoke::run(state, caller, params),
    m::ConfigGet => |params| config::get::run(state, params),
    m::ConfigSet => |params| config::set::run(state, caller, params),
    m::ConfigSchema => |_| config::schema::run(state),
    m::GatewayStatusGet => |params| gateway::status::run(state, params),
    m::GatewayReload => |_| gateway::reload::run(state),
    m::GatewayStop => |_| gateway::stop::run(state),
    m::GatewayRestart => |_| gateway::restart::run(state),
    m::CronStatus => |_| cron::status::run(state),
    m::CronList => |params| cron::list::run(state, params),
    m::CronAdd => |params| cron::add::run(state, params),
    m::CronUpdate => |params| cron::update::run(state, params),
    m::CronRemove => |params| cron::remove::run(state, params),
    m::CronRun => |params| cron::run::run(state, params),
    m::CronRuns => |params| cron::runs::run(state, params),
    m::KeysCreate => |params| keys::create::run(state, caller, params),
    m::KeysList => |_| keys::list::run(state),
    m::BackupCreate => |_| backup::create::run(state),
    m::BackupList => |_| backup::list::run(state),
    m::KeysRevoke => |params| keys::revoke::run(state, params),
    m::KeysRotate => |params| keys::rotate::run(state, caller, params),
    m::KeysRotateSigning => |_| keys::rotate_signing::run(state),
    m::LogsTail => |params| logs::tail::run(state, params),
    m::ModelsList => |params| models::list::run(state, params),
    m::ModelsStatusGet => |params| models::status::run(state, params),
    m::ModelsProbe => |params| models::probe::run(state, params),
    m::UsageCost => |params| usage::cost::run(state, params),
    m::RouteExplain => |params| route::explain::run(state, params),
    m::Subscribe => |params| subscription::subscribe::run(state, caller, params),
    m::Unsubscribe => |params| subscription::unsubscribe::run(state, caller, params),
);

#[cfg(test)]
mod tests {
    /// The lines of `dispatch` are held against the registry by source: a method without one would
    /// answer -32603 at run time.
    #[test]
    fn every_method_of_the_registry_has_a_line() {
        let source = include_str!("dispatch.rs");
        let is_line = |line: &&str| line.trim_start().starts_with("m::") && line.contains(" => ");
        let lines = source.lines().filter(is_line).count();
        assert_eq!(lines, openclaw_protocol::registry::METHODS.len());
    }
}
