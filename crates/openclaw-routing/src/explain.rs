use std::fmt;
use std::sync::Arc;

use openclaw_core::AgentId;
use serde::Serialize;

use crate::Decision;

/// A condition of a rule, in the order in which they are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// The channel kind.
    Channel,
    /// The account.
    Account,
    /// The kind of chat.
    ChatKind,
    /// The service's chat id.
    Chat,
    /// The sender's id or `@name`.
    Sender,
    /// A role of the sender.
    Role,
    /// The pattern on the text.
    Pattern,
}

impl Condition {
    /// The key of the condition in a rule.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Channel => "channel",
            Self::Account => "account",
            Self::ChatKind => "chat_kind",
            Self::Chat => "chat",
            Self::Sender => "sender",
            Self::Role => "role",
            Self::Pattern => "pattern",
        }
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a message went where it did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// Every rule in file order.
    pub rules: Vec<RuleExplanation>,
    /// Where the message goes.
    pub decision: Decision,
    /// What decided.
    pub decided_by: DecidedBy,
}

/// What one rule said to a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleExplanation {
    /// Where the rule stands: `openclaw.toml:12`.
    pub place: Arc<str>,
    /// The agent it goes to.
    pub agent_id: AgentId,
    /// The session it goes to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<Arc<str>>,
    /// What came of it.
    #[serde(flatten)]
    pub verdict: Verdict,
}

/// What came of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "verdict", rename_all = "snake_case")]
pub enum Verdict {
    /// It was the first whose every condition held.
    Decided,
    /// Every condition holds, but an earlier rule had decided.
    Shadowed,
    /// A condition does not hold.
    Failed {
        /// The first such condition.
        condition: Condition,
        /// What it asks for.
        expected: String,
        /// What the message has.
        actual: String,
    },
}

/// What decided where a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DecidedBy {
    /// A rule.
    Rule,
    /// The `agent` that the chat's own settings name.
    ChatSetting,
    /// Nothing else: the default agent.
    DefaultAgent,
}
