//! What became of each method and event of the TypeScript gateway.

use crate::Scope;

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing but a connection.
    Connection,
    /// This scope.
    Scope(Scope),
    /// The role `node`.
    Node,
}

/// What became of a method or event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It works; a note tells what differs.
    Done(&'static str),
    /// It does not exist here, and this takes its place.
    Alternative(&'static str),
    /// It waits for a part of this program that is not built.
    Waits(&'static str),
}

/// One method of the TypeScript gateway.
#[derive(Debug, Clone, Copy)]
pub struct MethodInfo {
    /// Its name.
    pub name: &'static str,
    /// Who may call it.
    pub need: Need,
    /// What became of it.
    pub standing: Standing,
}

const fn row(name: &'static str, need: Need, standing: Standing) -> MethodInfo {
    MethodInfo { name, need, standing }
}

use Standing::{Alternative, Done, Waits};

const READ: Need = Need::Scope(Scope::Read);
const WRITE: Need = Need::Scope(Scope::Write);
const ADMIN: Need = Need::Scope(Scope::Admin);
const APPROVALS: Need = Need::Scope(Scope::Approvals);
const PAIRING: Need = Need::Scope(Scope::Pairing);
const NODE: Need = Need::Node;

const BY_APPROVALS: &str =
    "they are answered by `openclaw approvals`, or by `approval.*` over JSON-RPC";
const WIZARD: &str = "the wizard; `openclaw config edit` changes the configuration";
const SPEECH: &str = "speech";
const SKILLS: &str = "skills";
const NODES: &str = "nodes";
const USAGE: &str =
    "the accounting of usage and cost; sessions.list shows the tokens of each session";

/// Every method of `openclaw@2026.2.17`, hidden ones included.
pub static METHODS: &[MethodInfo] = &[
    row("connect", Need::Connection, Done("the first request, and only the first")),
    row("health", READ, Done("`probe` is not needed: every answer is fresh")),
    row("status", READ, Done("there are no session files, so `paths` holds the database's")),
    row("logs.tail", READ, Done("the lines of the log file, in the form that these clients read")),
    row("channels.status", READ, Done("")),
    row(
        "channels.logout",
        ADMIN,
        Done("disconnects the account; its credential is in the configuration and stays"),
    ),
    row("web.login.start", ADMIN, Waits("WhatsApp")),
    row("web.login.wait", ADMIN, Waits("WhatsApp")),
    row("usage.status", READ, Done("keys have no windows as subscriptions do, so none is told")),
    row("usage.cost", READ, Done("")),
    row("sessions.usage", ADMIN, Waits(USAGE)),
    row("sessions.usage.timeseries", ADMIN, Waits(USAGE)),
    row("sessions.usage.logs", ADMIN, Waits(USAGE)),
    row("tts.status", READ, Waits(SPEECH)),
    row("tts.providers", READ, Waits(SPEECH)),
    row("tts.enable", WRITE, Waits(SPEECH)),
    row("tts.disable", WRITE, Waits(SPEECH)),
    row("tts.convert", WRITE, Waits(SPEECH)),
    row("tts.setProvider", WRITE, Waits(SPEECH)),
    row("config.get", READ, Done("the configuration of this program as JSON; the file is TOML")),
    row("config.set", ADMIN, Done("`raw` is JSON; comments of the TOML file stay")),
    row(
        "config.apply",
        ADMIN,
        Done("as `config.set`; nothing restarts, `restart` tells which keys need it"),
    ),
    row(
        "config.patch",
        ADMIN,
        Done("a JSON merge patch; nothing restarts, `restart` tells which keys need it"),
    ),
    row(
        "config.schema",
        ADMIN,
        Done("the schema of this program's configuration; `uiHints` mark secrets"),
    ),
    row("exec.approvals.get", ADMIN, Done("an entry is one whole command, its key as `id`")),
    row(
        "exec.approvals.set",
        ADMIN,
        Done("takes back what the file leaves out; a pattern that is new is refused"),
    ),
    row("exec.approvals.node.get", ADMIN, Alternative(BY_APPROVALS)),
    row("exec.approvals.node.set", ADMIN, Alternative(BY_APPROVALS)),
    row("exec.approval.request", APPROVALS, Done("what a client is to run on its own machine")),
    row("exec.approval.waitDecision", APPROVALS, Done("for every request, whoever asked")),
    row("exec.approval.resolve", APPROVALS, Done("answers what a tool or a client asks for")),
    row("wizard.start", ADMIN, Waits(WIZARD)),
    row("wizard.next", ADMIN, Waits(WIZARD)),
    row("wizard.cancel", ADMIN, Waits(WIZARD)),
    row("wizard.status", ADMIN, Waits(WIZARD)),
    row("talk.config", READ, Waits(SPEECH)),
    row("talk.mode", WRITE, Waits(SPEECH)),
    row(
        "models.list",
        READ,
        Done("the models that the configuration names; there is no built-in catalogue"),
    ),
    row("agents.list", READ, Done("")),
    row("agents.create", ADMIN, Done("writes `[[agents.list]]`; emoji and avatar are refused")),
    row("agents.update", ADMIN, Done("writes `[[agents.list]]`; the avatar is refused")),
    row("agents.delete", ADMIN, Done("the workspace stays: `deleteFiles` is refused")),
    row("agents.files.list", ADMIN, Done("")),
    row("agents.files.get", ADMIN, Done("")),
    row("agents.files.set", ADMIN, Done("")),
    row("agent.identity.get", READ, Done("agents have no picture of their own")),
    row("skills.status", READ, Waits(SKILLS)),
    row("skills.bins", NODE, Waits(SKILLS)),
    row("skills.install", ADMIN, Waits(SKILLS)),
    row("skills.update", ADMIN, Waits(SKILLS)),
    row(
        "update.run",
        ADMIN,
        Alternative("replace the program as it was installed, then `openclaw gateway restart`"),
    ),
    row("voicewake.get", READ, Waits(SPEECH)),
    row("voicewake.set", WRITE, Waits(SPEECH)),
    row("sessions.list", READ, Done("`spawnedBy` finds nothing until there are subagents")),
    row("sessions.preview", READ, Done("")),
    row("sessions.resolve", ADMIN, Done("")),
    row(
        "sessions.patch",
        ADMIN,
        Done("label, thinkingLevel, model and sendPolicy; other levels are refused by name"),
    ),
    row("sessions.reset", ADMIN, Done("")),
    row(
        "sessions.delete",
        ADMIN,
        Done("the transcript goes with the session; nothing is archived"),
    ),
    row(
        "sessions.compact",
        ADMIN,
        Alternative("write /compact in the session: it is summarised, nothing is cut"),
    ),
    row("last-heartbeat", READ, Done("null until one was due")),
    row("set-heartbeats", ADMIN, Done("until the next start")),
    row(
        "wake",
        WRITE,
        Done("`now` says the text to the main session; else the next heartbeat or turn is told"),
    ),
    row("system-event", ADMIN, Done("changes presence; the text is not told to the model")),
    row("system-presence", READ, Done("")),
    row("node.pair.request", PAIRING, Waits(NODES)),
    row("node.pair.list", PAIRING, Waits(NODES)),
    row("node.pair.approve", PAIRING, Waits(NODES)),
    row("node.pair.reject", PAIRING, Waits(NODES)),
    row("node.pair.verify", PAIRING, Waits(NODES)),
    row("device.pair.list", PAIRING, Done("")),
    row("device.pair.approve", PAIRING, Done("the approver must have what it grants")),
    row("device.pair.reject", PAIRING, Done("")),
    row(
        "device.token.rotate",
        PAIRING,
        Done("the caller must have what the token grants; connections of the device close"),
    ),
    row("device.token.revoke", PAIRING, Done("connections of the device close")),
    row("node.list", READ, Waits(NODES)),
    row("node.describe", READ, Waits(NODES)),
    row("node.rename", PAIRING, Waits(NODES)),
    row("node.invoke", WRITE, Waits(NODES)),
    row("node.invoke.result", NODE, Waits(NODES)),
    row("node.event", NODE, Waits(NODES)),
    row("cron.list", READ, Done("")),
    row("cron.status", READ, Done("`storePath` is the database")),
    row(
        "cron.add",
        ADMIN,
        Done("`sessionKey` is not taken; no stagger unless `staggerMs` asks for it"),
    ),
    row("cron.update", ADMIN, Done("`state` is not taken")),
    row("cron.remove", ADMIN, Done("")),
    row("cron.run", ADMIN, Done("answers when the run is stored, not when it has ended")),
    row("cron.runs", READ, Done("")),
    row("send", WRITE, Done("text; files by address wait for outbound media")),
    row("poll", ADMIN, Done("where the channel has polls")),
    row("agent", WRITE, Done("answers twice: accepted, then the end")),
    row("agent.wait", WRITE, Done("")),
    row("chat.history", READ, Done("")),
    row("chat.send", WRITE, Done("")),
    row("chat.abort", WRITE, Done("")),
    row("chat.inject", ADMIN, Done("")),
    row("browser.request", WRITE, Waits("the browser")),
];

/// What `openclaw@2026.9.6` asks for besides, as far as it is answered.
pub static LATER_METHODS: &[MethodInfo] = &[
    row("tools.catalog", READ, Done("the tools of this program")),
    row("tools.invoke", WRITE, Done("as `tool.call`, under the same policy and approvals")),
];

/// One event of the TypeScript gateway.
#[derive(Debug, Clone, Copy)]
pub struct EventInfo {
    /// Its name.
    pub name: &'static str,
    /// What became of it.
    pub standing: Standing,
}

const fn told(name: &'static str, standing: Standing) -> EventInfo {
    EventInfo { name, standing }
}

/// Every event of `openclaw@2026.2.17`.
pub static EVENTS: &[EventInfo] = &[
    told("connect.challenge", Done("at once on every path but `/ws`")),
    told(
        "agent",
        Done("streams `lifecycle`, `assistant` and `tool`; results of tools are left out"),
    ),
    told("chat", Done("")),
    told("presence", Done("")),
    told("tick", Done("every 30 s")),
    told("health", Done("every 60 s, and when a channel's state changes")),
    told("shutdown", Done("")),
    told("device.pair.requested", Done("")),
    told("device.pair.resolved", Done("")),
    told("heartbeat", Done("")),
    told("cron", Done("")),
    told("talk.mode", Waits(SPEECH)),
    told("voicewake.changed", Waits(SPEECH)),
    told("node.pair.requested", Waits(NODES)),
    told("node.pair.resolved", Waits(NODES)),
    told("node.invoke.request", Waits(NODES)),
    told("exec.approval.requested", Done("what a tool of this gateway asks for")),
    told("exec.approval.resolved", Done("`decision` is null where nobody answered")),
];

/// The method of this name.
pub fn find(name: &str) -> Option<&'static MethodInfo> {
    METHODS.iter().chain(LATER_METHODS).find(|method| method.name == name)
}

/// The names of what is answered.
pub fn answered() -> Vec<&'static str> {
    let all = METHODS.iter().chain(LATER_METHODS);
    all.filter(|method| matches!(method.standing, Done(_))).map(|method| method.name).collect()
}

/// The names of events that are sent.
pub fn sent() -> Vec<&'static str> {
    let is_sent = |event: &&EventInfo| matches!(event.standing, Done(_));
    EVENTS.iter().filter(is_sent).map(|event| event.name).collect()
}

#[cfg(test)]
mod tests {
    use super::{EVENTS, LATER_METHODS, METHODS, find};
    use std::collections::BTreeSet;

    #[test]
    fn names_are_unique_and_found() {
        let names: BTreeSet<_> =
            METHODS.iter().chain(LATER_METHODS).map(|method| method.name).collect();
        assert_eq!(names.len(), METHODS.len() + LATER_METHODS.len());
        assert!(names.iter().all(|name| find(name).is_some()));
        assert!(find("nope").is_none() && find("Health").is_none());
        let events: BTreeSet<_> = EVENTS.iter().map(|event| event.name).collect();
        assert_eq!(events.len(), EVENTS.len());
    }
}
