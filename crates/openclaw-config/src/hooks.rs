use std::time::Duration;

use openclaw_core::{AgentId, Secret, ThinkingLevel};

/// `[hooks]`: webhooks in.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct HooksSettings {
    /// Whether they are served.
    pub enabled: bool,
    /// Where, without a slash at the end.
    pub path: String,
    /// What callers send as a bearer token.
    pub token: Option<Secret>,
    /// What callers sign with; where it is set, every request has to be signed.
    pub signing_secret: Option<Secret>,
    /// The session of runs that name none: the rest of a session key; a fresh one each otherwise.
    pub default_session_key: Option<String>,
    /// Whether a request may name its session.
    pub allow_request_session_key: bool,
    /// What a session that a request names has to begin with; empty allows all.
    pub allowed_session_key_prefixes: Vec<String>,
    /// Agents that requests may name; empty allows all, `*` too.
    pub allowed_agent_ids: Vec<String>,
    /// The largest body.
    pub max_body_bytes: usize,
    /// `[[hooks.mappings]]` in file order, then those of the presets.
    pub mappings: Vec<HookMapping>,
}

/// One of `[[hooks.mappings]]`: what `/hooks/<name>` does.
#[derive(Debug, Clone, PartialEq)]
pub struct HookMapping {
    /// Its name in logs.
    pub id: String,
    /// The path below the base it is for; `None` is any.
    pub path: Option<String>,
    /// What the payload's `source` has to be.
    pub source: Option<String>,
    /// What is done.
    pub action: HookAction,
    /// When a wake is heeded.
    pub wake_mode: WakeMode,
    /// What the assistant is told that it comes from.
    pub name: Option<String>,
    /// The agent.
    pub agent_id: Option<AgentId>,
    /// The session, a template.
    pub session_key: Option<String>,
    /// The message of a run, a template.
    pub message_template: Option<String>,
    /// The text of a wake, a template.
    pub text_template: Option<String>,
    /// Whether the answer is sent to a chat.
    pub deliver: bool,
    /// Whether the content is taken as the owner's own words.
    pub allow_unsafe_external_content: bool,
    /// The channel that the answer is sent through; `last` is where the owner was last.
    pub channel: Option<String>,
    /// The chat that it is sent to, a template.
    pub to: Option<String>,
    /// `provider/model`.
    pub model: Option<String>,
    /// How much to think.
    pub thinking: Option<ThinkingLevel>,
    /// The time limit of the run.
    pub timeout: Option<Duration>,
    /// What these requests are signed with, instead of `hooks.signing_secret`.
    pub signing_secret: Option<Secret>,
    /// Whether a module has to look at them first, which this version cannot run: they are refused.
    pub needs_transform: bool,
}

/// What a hook does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HookAction {
    /// Tells the main session.
    Wake,
    /// Runs the agent.
    #[default]
    Agent,
}

/// When a wake is heeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum WakeMode {
    /// At once.
    #[default]
    Now,
    /// When the assistant next looks around by itself.
    NextHeartbeat,
}
