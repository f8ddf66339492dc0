use openclaw_channel_traits::chunk::{TextLimit, chunk};
use openclaw_core::{ChatKind, Outbound, OutboxId, SendMessage};
use openclaw_sessions::ReplyRequest;
use openclaw_storage::NewOutbox;
use openclaw_storage::rows::{OutboxKind, OutboxState};

use super::dispatcher::Delivery;

impl Delivery {
    /// Cuts a reply into rows for its channel. A channel whose commit is the delivery gets one row,
    /// born sent.
    pub(super) fn plan_reply(&self, reply: ReplyRequest) -> Vec<NewOutbox> {
        let descriptor = self.deps.channels.descriptor(&reply.conversation.channel_id);
        let by_commit = descriptor.as_ref().is_some_and(|descriptor| descriptor.delivers_by_commit);
        let chunks = match &descriptor {
            Some(descriptor) if !by_commit => chunk(&reply.text, TextLimit::of(descriptor, None)),
            _ => vec![reply.text.clone()],
        };
        let reply_to = match reply.conversation.kind {
            // In a group people must see whom it answers; alone with the assistant they know.
            ChatKind::Group | ChatKind::Channel => reply.reply_to.clone(),
            ChatKind::Direct => None,
        };
        let mut rows = Vec::with_capacity(chunks.len());
        for (index, text) in chunks.into_iter().enumerate() {
            let Some(id) = self.new_outbox_id() else { continue };
            rows.push(NewOutbox {
                id: id.clone(),
                channel_id: reply.conversation.channel_id.clone(),
                session_id: Some(reply.session.id.clone()),
                session_key: Some(reply.session_key.clone()),
                run_id: Some(reply.run_id.clone()),
                message_id: Some(reply.message_id.clone()),
                kind: if reply.notice { OutboxKind::Notice } else { OutboxKind::Reply },
                chunk: u32::try_from(index).unwrap_or(u32::MAX),
                outbound: Outbound::Send(SendMessage {
                    chat: reply.conversation.address(),
                    text,
                    media: Vec::new(),
                    buttons: Vec::new(),
                    reply_to: if index == 0 { reply_to.clone() } else { None },
                    key: id,
                }),
                state: if by_commit { OutboxState::Sent } else { OutboxState::Pending },
                principal: None,
                idempotency_key: None,
                at: reply.at,
            });
        }
        rows
    }

    pub(super) fn new_outbox_id(&self) -> Option<OutboxId> {
        OutboxId::new(self.deps.ids.new_id())
            .inspect_err(|error| tracing::error!(%error, "the id source gave an unusable id"))
            .ok()
    }
}
