use openclaw_core::ChannelKind;

use crate::Config;

/// What changed between two configurations, by what it takes to bring it into force.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ReloadDiff {
    /// Sections that hold from the next turn, request or delivery on.
    pub live: Vec<&'static str>,
    /// Kinds of channels whose settings changed, came or went. Which of their accounts restart is
    /// for their factory to say.
    pub channels: Vec<ChannelKind>,
    /// Dotted keys that take a restart of the gateway.
    pub needs_restart: Vec<&'static str>,
}

impl ReloadDiff {
    /// Whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.live.is_empty() && self.channels.is_empty() && self.needs_restart.is_empty()
    }
}

/// Compares the configuration in force with one that is to replace it.
pub fn diff(old: &Config, new: &Config) -> ReloadDiff {
    let mut diff = ReloadDiff::default();
    let restart = [
        ("gateway.bind_address", old.gateway.bind_address != new.gateway.bind_address),
        ("gateway.port", old.gateway.port != new.gateway.port),
        // One that came or changed is followed; what takes the place of one that is gone is chosen at
        // the start.
        (
            "gateway.auth.token",
            old.gateway.auth.token.is_some() && new.gateway.auth.token.is_none(),
        ),
        ("gateway.tls", old.gateway.tls != new.gateway.tls),
        ("storage", old.storage != new.storage),
        ("logging", old.logging != new.logging),
        ("diagnostics", old.otel != new.otel),
    ];
    diff.needs_restart.extend(restart.iter().filter(|(_, differs)| *differs).map(|(key, _)| key));
    // What needs a restart is taken out, so that the rest of the section can be told apart.
    let mut gateway = new.gateway.clone();
    gateway.bind_address = old.gateway.bind_address;
    gateway.port = old.gateway.port;
    gateway.tls = old.gateway.tls.clone();
    let live = [
        ("gateway", old.gateway != gateway),
        ("agents", old.agents != new.agents),
        ("models", old.providers != new.providers || old.model_aliases != new.model_aliases),
        ("tts", old.tts != new.tts),
        ("tools", old.tools != new.tools),
        ("session", old.session != new.session),
        ("routing", old.routing != new.routing),
        ("storage.retention", old.retention != new.retention),
        ("delivery", old.delivery != new.delivery),
        ("hooks", old.hooks != new.hooks),
        ("mcp", old.mcp != new.mcp),
        ("memory", old.memory != new.memory),
        ("cron", old.cron != new.cron),
        ("agents.heartbeat", old.heartbeats != new.heartbeats),
    ];
    diff.live.extend(live.iter().filter(|(_, differs)| *differs).map(|(section, _)| section));
    let came = new.channels.keys().filter(|kind| !old.channels.contains_key(*kind));
    let changed_or_gone = old.channels.iter().filter_map(|(kind, table)| {
        let same = new
            .channels
            .get(kind)
            .is_some_and(|theirs| table.enabled == theirs.enabled && table.same_settings(theirs));
        (!same).then_some(kind)
    });
    diff.channels = changed_or_gone.chain(came).cloned().collect();
    diff.channels.sort();
    diff
}
