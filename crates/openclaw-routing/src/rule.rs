use std::cell::OnceCell;
use std::sync::Arc;

use openclaw_config::RoutingRule;
use openclaw_core::{AgentId, ChatKind, Inbound, SessionKey};

use crate::RoutingError;
use crate::explain::{Condition, Verdict};
use crate::pattern::{Patterns, Possible};

/// The name by which rules call an account that has none.
const DEFAULT_ACCOUNT: &str = "default";

/// Who a rule asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SenderCondition {
    /// The service's id.
    Id(String),
    /// The unique name, lower-case, without `@`.
    Name(String),
}

/// A rule with its agent resolved.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) place: Arc<str>,
    pub(crate) agent_id: AgentId,
    pub(crate) session: Option<Arc<str>>,
    pub(crate) channel: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) chat_kind: Option<ChatKind>,
    pub(crate) chat: Option<String>,
    pub(crate) sender: Option<SenderCondition>,
    pub(crate) role: Option<String>,
    /// The pattern's number.
    pub(crate) pattern: Option<usize>,
}

impl Rule {
    /// Compiles all of a rule but its pattern, whose number is given.
    pub(crate) fn compile(
        rule: &RoutingRule,
        default_agent: &AgentId,
        pattern: Option<usize>,
    ) -> Result<Self, RoutingError> {
        let agent_id = rule.agent.clone().unwrap_or_else(|| default_agent.clone());
        if let Some(session) = &rule.session {
            SessionKey::new(&agent_id, session).map_err(|source| RoutingError::InvalidSession {
                place: rule.place.clone(),
                source,
            })?;
        }
        Ok(Self {
            place: Arc::from(rule.place.as_str()),
            agent_id,
            session: rule.session.as_deref().map(Arc::from),
            channel: rule.channel.as_ref().map(|kind| kind.as_str().to_owned()),
            account: rule.account.clone(),
            chat_kind: rule.chat_kind,
            chat: rule.chat.clone(),
            sender: rule.sender.as_ref().map(|sender| match sender.strip_prefix('@') {
                // An id may begin with `@` too, as Matrix's do, but then it names a server.
                Some(name) if !name.contains(':') => SenderCondition::Name(name.to_lowercase()),
                Some(_) | None => SenderCondition::Id(sender.clone()),
            }),
            role: rule.role.clone(),
            pattern,
        })
    }

    /// The first condition that does not hold.
    pub(crate) fn first_failure(
        &self,
        subject: &Subject<'_>,
        patterns: &Patterns,
    ) -> Option<Condition> {
        let sender = &subject.inbound.sender;
        if self.channel.as_deref().is_some_and(|kind| kind != subject.channel) {
            return Some(Condition::Channel);
        }
        if self.account.as_deref().is_some_and(|account| account != subject.account) {
            return Some(Condition::Account);
        }
        if self.chat_kind.is_some_and(|kind| kind != subject.inbound.conversation.kind) {
            return Some(Condition::ChatKind);
        }
        if self.chat.as_deref().is_some_and(|chat| chat != subject.chat()) {
            return Some(Condition::Chat);
        }
        let is_sender = match &self.sender {
            None => true,
            Some(SenderCondition::Id(id)) => id == sender.id.as_str(),
            Some(SenderCondition::Name(name)) => subject.username() == Some(name),
        };
        if !is_sender {
            return Some(Condition::Sender);
        }
        if self.role.as_ref().is_some_and(|role| !sender.roles.contains(role)) {
            return Some(Condition::Role);
        }
        let is_match = self
            .pattern
            .is_none_or(|pattern| patterns.is_match(pattern, subject.text, &subject.possible));
        (!is_match).then_some(Condition::Pattern)
    }

    /// Says which condition failed, what it asks for and what the message has.
    pub(crate) fn verdict_of_failure(
        &self,
        condition: Condition,
        subject: &Subject<'_>,
        patterns: &Patterns,
    ) -> Verdict {
        let sender = &subject.inbound.sender;
        let text = |value: &Option<String>| value.clone().unwrap_or_default();
        let (expected, actual) = match condition {
            Condition::Channel => (text(&self.channel), subject.channel.to_owned()),
            Condition::Account => (text(&self.account), subject.account.to_owned()),
            Condition::ChatKind => (
                self.chat_kind.map(ChatKind::as_str).unwrap_or_default().to_owned(),
                subject.inbound.conversation.kind.as_str().to_owned(),
            ),
            Condition::Chat => (text(&self.chat), subject.chat().to_owned()),
            Condition::Sender => match &self.sender {
                Some(SenderCondition::Name(name)) => (
                    format!("@{name}"),
                    subject.username().map(|name| format!("@{name}")).unwrap_or_default(),
                ),
                Some(SenderCondition::Id(id)) => (id.clone(), sender.id.to_string()),
                None => (String::new(), sender.id.to_string()),
            },
            Condition::Role => (text(&self.role), sender.roles.join(", ")),
            Condition::Pattern => (
                self.pattern.map(|id| patterns.source(id).to_owned()).unwrap_or_default(),
                subject.text.chars().take(80).collect(),
            ),
        };
        Verdict::Failed { condition, expected, actual }
    }
}

/// What rules look at in a message; what costs something is worked out when first asked for.
pub(crate) struct Subject<'m> {
    pub(crate) inbound: &'m Inbound,
    pub(crate) channel: &'m str,
    pub(crate) account: &'m str,
    pub(crate) text: &'m str,
    username: OnceCell<Option<String>>,
    pub(crate) possible: OnceCell<Possible>,
}

impl<'m> Subject<'m> {
    pub(crate) fn of(inbound: &'m Inbound) -> Self {
        let channel_id = inbound.conversation.channel_id.as_str();
        let (channel, account) =
            channel_id.split_once('/').unwrap_or((channel_id, DEFAULT_ACCOUNT));
        Self {
            inbound,
            channel,
            account,
            text: inbound.content.plain_text(),
            username: OnceCell::new(),
            possible: OnceCell::new(),
        }
    }

    pub(crate) fn chat(&self) -> &'m str {
        self.inbound.conversation.chat_id.as_str()
    }

    /// The sender's unique name, lower-case.
    pub(crate) fn username(&self) -> Option<&String> {
        self.username
            .get_or_init(|| self.inbound.sender.username.as_ref().map(|name| name.to_lowercase()))
            .as_ref()
    }
}
