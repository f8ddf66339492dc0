//! What differs, and why.

/// `-` is missing here, `+` is here only, `~` is of another type.
pub(super) const DIFFERENCES: &[(&str, &str)] = &[
    ("+cron.add.agentId", "every job names its agent"),
    ("+cron.list.jobs[].agentId", "every job names its agent"),
    ("+chat:delta.deltaText", "version 4 wants it, and one text serves both versions"),
    (
        "+sessions.list.sessions[].channel",
        "every session belongs to a channel, the built-in one among them",
    ),
    (
        "+sessions.list.sessions[].chatType",
        "every session belongs to a channel, the built-in one among them",
    ),
    (
        "+sessions.list.sessions[].lastChannel",
        "every session belongs to a channel, the built-in one among them",
    ),
    (
        "+sessions.list.sessions[].lastTo",
        "every session belongs to a channel, the built-in one among them",
    ),
    (
        "+sessions.patch.entry.channel",
        "every session belongs to a channel, the built-in one among them",
    ),
    ("+sessions.patch.entry.displayName", "the label, which these clients show by this name"),
    (
        "+sessions.patch.entry.lastTo",
        "every session belongs to a channel, the built-in one among them",
    ),
    (
        "+sessions.reset.entry.channel",
        "every session belongs to a channel, the built-in one among them",
    ),
    (
        "+sessions.reset.entry.chatType",
        "every session belongs to a channel, the built-in one among them",
    ),
    ("+sessions.reset.entry.compactionCount", "told whatever it is"),
    (
        "+sessions.reset.entry.lastChannel",
        "every session belongs to a channel, the built-in one among them",
    ),
    (
        "+sessions.reset.entry.lastTo",
        "every session belongs to a channel, the built-in one among them",
    ),
    ("+sessions.reset.entry.modelProvider", "told whenever there is a model"),
    ("+wake.runId", "the run that says the text can be followed"),
    ("-hello.canvasHostUrl", "there is no canvas"),
    ("-hello.snapshot.presence[].ip", "an address of one of several is not guessed"),
    ("-presence.presence[].ip", "an address of one of several is not guessed"),
    ("-sessions.patch.entry.deliveryContext", "the channel is told beside it"),
    ("-sessions.patch.entry.origin", "the channel is told beside it"),
    ("-sessions.patch.entry.sessionFile", "sessions are rows, not files"),
    ("-sessions.patch.entry.skillsSnapshot", "there are no skills"),
    ("-sessions.patch.entry.systemPromptReport", "prompts are not kept with sessions"),
    ("-sessions.reset.entry.skillsSnapshot", "there are no skills"),
    ("-system-presence[].ip", "an address of one of several is not guessed"),
    ("~health.agents[].heartbeat.everyMs", "heartbeats are off"),
    ("~hello.snapshot.health.agents[].heartbeat.everyMs", "heartbeats are off"),
    (
        "~sessions.list.sessions[].totalTokens",
        "what the last request held is not kept apart from what all did",
    ),
    (
        "~sessions.patch.entry.totalTokens",
        "what the last request held is not kept apart from what all did",
    ),
    (
        "~sessions.reset.entry.totalTokens",
        "what the last request held is not kept apart from what all did",
    ),
    ("~status.heartbeat.agents[].everyMs", "heartbeats are off"),
    ("~status.sessions.byAgent[].recent[].percentUsed", "follows from totalTokens"),
    ("~status.sessions.byAgent[].recent[].remainingTokens", "follows from totalTokens"),
    (
        "~status.sessions.byAgent[].recent[].totalTokens",
        "what the last request held is not kept apart from what all did",
    ),
    ("~status.sessions.recent[].percentUsed", "follows from totalTokens"),
    ("~status.sessions.recent[].remainingTokens", "follows from totalTokens"),
    (
        "~status.sessions.recent[].totalTokens",
        "what the last request held is not kept apart from what all did",
    ),
];
