use async_trait::async_trait;
use openclaw_core::{ChannelId, ChatId, Inbound, RunId};

/// Where a channel hands in what happened. Fulfilled by the gateway.
#[async_trait]
pub trait Ingress: Send + Sync {
    /// Stores one event and answers what became of it; returns only after the commit.
    ///
    /// The answer decides the acknowledgement towards the service: everything but
    /// [`Accept::Busy`] may be acknowledged. Events of one chat must be handed in in order.
    async fn accept(&self, inbound: Inbound) -> Accept;

    /// A chat moved to another id; what waits for it is rewritten.
    async fn chat_migrated(&self, channel: &ChannelId, from: &ChatId, to: &ChatId);
}

/// What became of an event that was handed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Accept {
    /// Stored; it starts this run or was taken by it.
    Accepted {
        /// The run.
        run_id: RunId,
    },
    /// Stored without starting a turn: a reaction, a late edit, an unmentioned group message.
    Noted,
    /// It was stored before.
    Duplicate,
    /// The sender may not; counted, not stored.
    Denied {
        /// Why.
        reason: DenyReason,
    },
    /// The store cannot take more at present; do not acknowledge, hand it in again later.
    Busy,
}

/// Why an event was denied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DenyReason {
    /// Direct chats are disabled.
    DirectDisabled,
    /// The sender is not on the allow list.
    NotAllowed,
    /// The sender was given a pairing code, or has one already.
    PairingRequested,
    /// Group chats are disabled, or this one is not on the list.
    GroupNotAllowed,
    /// The sender is a bot, and the bots have exchanged too many messages.
    BotLoop,
}
