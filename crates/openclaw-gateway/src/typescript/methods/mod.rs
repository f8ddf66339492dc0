//! One file per group of methods.

mod agents;
pub(super) mod approvals;
mod channels;
mod chat;
mod config;
mod cron;
pub(super) mod devices;
pub(super) mod health;
mod logs;
mod models;
mod presence;
mod run;
mod send;
mod sessions;
mod status;
mod tools;
mod usage;

use std::sync::Arc;

use openclaw_protocol::typescript::{Request, WireError};
use openclaw_protocol::{Method, ScopeSet};
use serde::Serialize;
use serde_json::Value;

use super::link::Link;
use crate::GatewayState;
use crate::rpc::{Caller, Handler, call};

/// One request, with everything it can work on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Call<'a> {
    pub(super) state: &'a Arc<GatewayState>,
    pub(super) caller: &'a Arc<Caller>,
    pub(super) link: &'a Arc<Link>,
    pub(super) request: &'a Request<'a>,
}

impl Call<'_> {
    /// Reads the params.
    fn params<P: serde::de::DeserializeOwned>(self) -> Result<P, WireError> {
        let version = self.link.connected().map_or(0, |connected| connected.version);
        self.request.params_of(version)
    }

    /// What the client may do.
    fn scopes(self) -> ScopeSet {
        self.caller.principal().map_or(ScopeSet::NONE, |principal| principal.scopes)
    }

    /// Calls a method of the registry in the client's name.
    async fn of<M: Handler>(
        self,
        params: <M as Method>::Params,
    ) -> Result<<M as Method>::Result, WireError> {
        call::<M>(self.state, self.caller, params).await.map_err(WireError::from)
    }
}

/// A payload as JSON.
fn payload<P: Serialize>(payload: &P) -> Result<Value, WireError> {
    serde_json::to_value(payload).map_err(|error| {
        tracing::error!(%error, "a payload cannot be written");
        WireError::unavailable("the result cannot be written")
    })
}

/// Runs the adapter of a method that is done.
pub(super) async fn dispatch(call: Call<'_>) -> Result<Value, WireError> {
    match &*call.request.method {
        "connect" => Err(WireError::invalid("connect is only valid as the first request")),
        "health" => health::health(call).await,
        "status" => status::status(call).await,
        "logs.tail" => logs::tail(call).await,
        "channels.status" => channels::status(call).await,
        "channels.logout" => channels::logout(call).await,
        "config.get" => config::get(call).await,
        "config.set" => config::set(call).await,
        "config.apply" => config::apply(call).await,
        "config.patch" => config::patch(call).await,
        "config.schema" => config::schema(call).await,
        "models.list" => models::list(call),
        "usage.status" => usage::status(call),
        "usage.cost" => usage::cost(call).await,
        "agents.list" => agents::list(call),
        "agents.create" => agents::create(call).await,
        "agents.update" => agents::update(call).await,
        "agents.delete" => agents::delete(call).await,
        "agents.files.list" => agents::files::list(call).await,
        "agents.files.get" => agents::files::get(call).await,
        "agents.files.set" => agents::files::set(call).await,
        "agent.identity.get" => agents::identity(call),
        "sessions.list" => sessions::list(call).await,
        "sessions.preview" => sessions::preview(call).await,
        "sessions.resolve" => sessions::resolve(call).await,
        "sessions.patch" => sessions::patch(call).await,
        "sessions.reset" => sessions::reset(call).await,
        "sessions.delete" => sessions::delete(call).await,
        "last-heartbeat" => Ok(call.state.clockwork.last_heartbeat().unwrap_or_default()),
        "wake" => run::wake(call).await,
        "system-event" => presence::system_event(call),
        "system-presence" => presence::list(call),
        "device.pair.list" => devices::list(call).await,
        "device.pair.approve" => devices::approve(call).await,
        "device.pair.reject" => devices::reject(call).await,
        "device.token.rotate" => devices::rotate(call).await,
        "device.token.revoke" => devices::revoke(call).await,
        "cron.list" => cron::list(call).await,
        "cron.status" => cron::status(call).await,
        "exec.approval.request" => approvals::request(call).await,
        "exec.approval.waitDecision" => approvals::wait(call).await,
        "cron.add" => cron::add(call).await,
        "cron.update" => cron::update(call).await,
        "cron.remove" => cron::remove(call).await,
        "cron.run" => cron::run(call).await,
        "cron.runs" => cron::runs(call).await,
        "set-heartbeats" => run::set_heartbeats(call),
        "exec.approval.resolve" => approvals::resolve(call).await,
        "exec.approvals.get" => approvals::get(call).await,
        "exec.approvals.set" => approvals::set(call).await,
        "send" => send::send(call).await,
        "poll" => send::poll(call).await,
        "agent" => run::agent(call).await,
        "agent.wait" => run::wait(call).await,
        "chat.history" => chat::history(call).await,
        "chat.send" => chat::send(call).await,
        "chat.abort" => chat::abort(call).await,
        "chat.inject" => chat::inject(call).await,
        "tools.catalog" => tools::catalog(call),
        "tools.invoke" => tools::invoke(call).await,
        name => {
            tracing::error!(method = name, "a method that is said to be done has no adapter");
            Err(WireError::unavailable(format!("{name} has no adapter")))
        }
    }
}

#[cfg(test)]
mod tests {
    use openclaw_protocol::typescript::methods::answered;

    /// The lines of `dispatch` are held against the table by source: a method without one would
    /// answer `UNAVAILABLE` at run time.
    #[test]
    fn every_method_that_is_done_has_a_line() {
        let source = include_str!("mod.rs");
        for name in answered() {
            assert!(source.contains(&format!("        \"{name}\" => ")), "{name}");
        }
    }
}
