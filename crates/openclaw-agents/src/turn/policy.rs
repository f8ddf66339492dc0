use std::sync::Arc;

use openclaw_config::{Config, DmScope, MemoryAudience};
use openclaw_core::Session;
use openclaw_sessions::Turn;
use openclaw_storage::rows::{TranscriptKind, TranscriptRow};
use openclaw_tools::{Asker, ToolDefinition, ToolPolicy};
use serde::Deserialize;

use super::caller::Caller;
use super::offer::{SEARCH, offered, search};
use crate::input::askers as askers_of;
use crate::runner::AgentRunner;
use crate::subagents::restrict;
use crate::transcript::{AskerEntry, UserEntry};

/// Tools that only the owner may use, and only where nobody else is heard.
const OWNER_TOOLS: [&str; 1] = ["gateway"];

/// A policy for whoever is not the owner.
pub(crate) fn without_owner_tools(policy: ToolPolicy) -> ToolPolicy {
    let denied = OWNER_TOOLS.map(str::to_owned);
    policy.and("the owner's tools", &["*".to_owned()], &denied)
}

/// What a turn may use: what all of those may use whose words it works on.
pub(super) struct Allowed {
    pub(super) policy: Arc<ToolPolicy>,
    /// What the model is offered.
    pub(super) tools: Arc<[ToolDefinition]>,
    /// All of our tools that may be called.
    pub(super) all: Arc<[ToolDefinition]>,
    askers: Vec<AskerEntry>,
    /// Whether the owner alone speaks in it.
    by_owner: bool,
}

impl Allowed {
    /// For the inputs of a turn, and whoever joined it before it was interrupted.
    pub(super) fn new(
        runner: &AgentRunner,
        turn: &Turn,
        caller: &Caller,
        own: &[TranscriptRow],
        by_owner: bool,
    ) -> Self {
        let joined = own
            .iter()
            .filter(|row| row.kind == TranscriptKind::User)
            .filter_map(|row| UserEntry::deserialize(&row.data).ok())
            .flat_map(|entry| entry.askers);
        let mut askers: Vec<AskerEntry> = Vec::new();
        for asker in turn.inputs.iter().flat_map(askers_of).chain(joined) {
            if !askers.contains(&asker) {
                askers.push(asker);
            }
        }
        Self::of(runner, turn, caller, askers, by_owner)
    }

    /// Takes away what these may not use.
    pub(super) fn join(
        &mut self,
        runner: &AgentRunner,
        turn: &Turn,
        caller: &Caller,
        more: Vec<AskerEntry>,
        by_owner: bool,
    ) {
        let mut askers = std::mem::take(&mut self.askers);
        let before = askers.len();
        for asker in more {
            if !askers.contains(&asker) {
                askers.push(asker);
            }
        }
        let by_owner = self.by_owner && by_owner;
        if askers.len() > before || by_owner != self.by_owner {
            *self = Self::of(runner, turn, caller, askers, by_owner);
        } else {
            self.askers = askers;
        }
    }

    /// Offers what a search has found meanwhile.
    pub(super) fn reveal(&mut self, runner: &AgentRunner, turn: &Turn, caller: &Caller) {
        let offer = offered(self.all.clone(), &runner.revealed, &turn.session.id);
        self.tools = caller.tools(offer);
    }

    /// Answers a call of `tool_search`.
    pub(super) fn search(
        &self,
        runner: &AgentRunner,
        turn: &Turn,
        arguments: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<String, String> {
        search(&self.all, arguments, &runner.revealed, &turn.session.id)
    }

    /// Whether a call is for the search among our own tools.
    pub(super) fn is_search(&self, name: &str) -> bool {
        name == SEARCH && self.tools.iter().any(|tool| tool.name == SEARCH)
    }

    fn of(
        runner: &AgentRunner,
        turn: &Turn,
        caller: &Caller,
        askers: Vec<AskerEntry>,
        by_owner: bool,
    ) -> Self {
        let policy = policy_for(&turn.config, &turn.session, &askers, by_owner);
        let all = runner.deps.tools.definitions(&policy, &turn.session.agent_id);
        let tools = caller.tools(offered(all.clone(), &runner.revealed, &turn.session.id));
        Self { policy: Arc::new(policy), tools, all, askers, by_owner }
    }
}

/// What a session may use while these ask.
pub(crate) fn policy_for(
    config: &Config,
    session: &Session,
    askers: &[AskerEntry],
    by_owner: bool,
) -> ToolPolicy {
    let settings = config.agent(&session.agent_id).unwrap_or_else(|| config.default_agent());
    let policy = match session.config.tools_enabled {
        Some(false) => ToolPolicy::deny_all("the session's settings"),
        Some(true) | None => {
            let askers: Vec<Asker<'_>> = askers
                .iter()
                .map(|asker| Asker {
                    channel: asker.channel.as_str(),
                    sender: asker.sender.as_ref().map(openclaw_core::UserId::as_str),
                })
                .collect();
            let policy = ToolPolicy::asked_by(&config.tools, settings.tools.as_ref(), &askers);
            match config.memory.who {
                MemoryAudience::Everyone => policy,
                MemoryAudience::Owner if is_owners(config, session, &askers) => policy,
                MemoryAudience::Owner => {
                    let (all, memory) = (["*".to_owned()], ["group:memory".to_owned()]);
                    policy.and("memory.who = \"owner\"", &all, &memory)
                }
            }
        }
    };
    let policy = restrict(policy, config, session);
    if by_owner { policy } else { without_owner_tools(policy) }
}

/// Whether only the owner asks: the owner's programs, who is named as an owner, or whoever writes in the
/// main session, to which nobody else's messages go unless all direct chats share it.
fn is_owners(config: &Config, session: &Session, askers: &[Asker<'_>]) -> bool {
    let is_owner = |asker: &Asker<'_>| {
        let Some(sender) = asker.sender else { return true };
        let kind = asker.channel.split('/').next().unwrap_or(asker.channel);
        let owners = &config.session.owners;
        [asker.channel, kind].iter().any(|channel| owners.contains(&format!("{channel}:{sender}")))
    };
    let is_private = session.session_key.is_main() && config.session.dm_scope != DmScope::Main;
    is_private || askers.iter().all(is_owner)
}
