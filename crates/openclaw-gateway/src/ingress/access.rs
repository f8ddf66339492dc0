use openclaw_channel_traits::{Access, DenyReason, PairingState, pairing};
use openclaw_core::{AgentId, ChatKind, Inbound, Outbound, OutboxId, SendMessage};
use openclaw_sessions::is_configured_owner;
use openclaw_storage::rows::{OutboxKind, OutboxState, PairingRow};
use openclaw_storage::{ApplyError, Batch, NewOutbox, StorageError, Write};

use super::GatewayIngress;

/// What access policy says of an event.
pub(super) enum Admission {
    /// Hear it.
    Allowed {
        /// Whether an owner sent it.
        owner: bool,
        /// The agent the group's settings name.
        group_agent: Option<AgentId>,
        /// Whether it starts a turn, or is only noted.
        starts_turn: bool,
    },
    /// Do not.
    Denied(DenyReason),
}

impl GatewayIngress {
    /// Applies access policy and pairing. A denied message leaves a counter and its pairing row, not
    /// its text.
    pub(super) async fn admit(&self, inbound: &Inbound) -> Result<Admission, ApplyError> {
        let channel = &inbound.conversation.channel_id;
        let Some(policy) = self.deps.channels.access(channel) else {
            tracing::warn!(%channel, "an event came from a channel that is not configured");
            return Ok(Admission::Denied(DenyReason::NotAllowed));
        };
        let paired = match inbound.conversation.kind {
            ChatKind::Direct => self.deps.storage.pairing(channel, &inbound.sender.id).await?,
            // Pairing is for direct chats; it gives nothing in rooms.
            ChatKind::Group | ChatKind::Channel => None,
        };
        let approved = paired.as_ref().filter(|row| row.approved_at.is_some());
        let state = approved.map(|_| PairingState::Approved);
        match policy.decide(&inbound.conversation, &inbound.sender, state.as_ref()) {
            Access::Allowed => {
                let owner = is_configured_owner(&self.config().session, inbound)
                    || approved.is_some_and(|row| row.is_owner);
                Ok(Admission::Allowed {
                    owner,
                    group_agent: policy.group_agent(&inbound.conversation).cloned(),
                    starts_turn: inbound.mentions_self
                        || !policy.mention_required(&inbound.conversation),
                })
            }
            Access::Denied(reason) => {
                tracing::debug!(%channel, chat = %inbound.conversation.chat_id, ?reason, "a message was denied");
                Ok(Admission::Denied(reason))
            }
            Access::NeedsPairing => {
                self.request_pairing(inbound, paired).await?;
                Ok(Admission::Denied(DenyReason::PairingRequested))
            }
        }
    }

    /// Counts the denial; a person without a working code gets one, and is told it once.
    async fn request_pairing(
        &self,
        inbound: &Inbound,
        known: Option<PairingRow>,
    ) -> Result<(), ApplyError> {
        let now = self.deps.clock.now();
        let has_code = known.is_some_and(|row| {
            row.code.is_some() && row.expires_at.is_some_and(|expires| expires > now)
        });
        let code = pairing::new_code(self.deps.rng.as_ref());
        let channel = inbound.conversation.channel_id.clone();
        let mut batch = Batch::new().with(Write::RequestPairing {
            channel_id: channel.clone(),
            user_id: inbound.sender.id.clone(),
            display_name: inbound.sender.display_name.clone(),
            code: code.clone(),
            expires_at: now.plus(pairing::LIFETIME),
            at: now,
        });
        if !has_code {
            tracing::info!(%channel, user = %inbound.sender.id, "somebody unknown asks to talk to the assistant; see `openclaw pairing list`");
            let id = OutboxId::new(self.deps.ids.new_id()).map_err(|error| {
                StorageError::Other { doing: "making an id", source: Box::new(error) }
            })?;
            batch.push(Write::Enqueue(Box::new(NewOutbox {
                id: id.clone(),
                channel_id: channel,
                session_id: None,
                session_key: None,
                run_id: None,
                message_id: None,
                kind: OutboxKind::Notice,
                chunk: 0,
                outbound: Outbound::Send(SendMessage {
                    chat: inbound.conversation.address(),
                    text: pairing::message(&code),
                    media: Vec::new(),
                    buttons: Vec::new(),
                    reply_to: None,
                    key: id,
                }),
                state: OutboxState::Pending,
                principal: None,
                idempotency_key: None,
                at: now,
            })));
        }
        self.deps.storage.apply(batch).await?;
        Ok(())
    }
}
