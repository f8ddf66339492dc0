use openclaw_core::{ExternalId, Inbound};
use openclaw_errors::OpenClawError;
use openclaw_storage::rows::{InboxRow, InputState};
use openclaw_storage::{ApplyError, Batch, Conflict, Write};

use super::GatewayIngress;
use super::store::{Arrival, Fate, Stored};
use crate::commands::early;

impl GatewayIngress {
    /// A changed message: an input that still waits gets the new text, a later one only changes the
    /// stored message. Both end merged. A message never seen before is taken as a new one.
    pub(super) async fn store_edit(
        &self,
        arrival: Arrival,
        target: ExternalId,
    ) -> Result<Stored, OpenClawError> {
        let Some(message) = self.message_of(&arrival, &target).await? else {
            return self.store_unseen(arrival, target).await;
        };
        let conversation = &arrival.inbound.conversation;
        let input = self
            .deps
            .storage
            .input_by_external_id(&conversation.channel_id, &conversation.chat_id, &target)
            .await?;
        if let Some(input) = input.filter(|input| input.state == InputState::Waiting) {
            self.replace_waiting(&arrival, input).await?;
        }
        self.store_without_turn(&arrival, Fate::Edited { message: Box::new(message) }).await
    }

    async fn replace_waiting(
        &self,
        arrival: &Arrival,
        input: InboxRow,
    ) -> Result<(), OpenClawError> {
        let inbound = Inbound { content: arrival.inbound.content.clone(), ..input.inbound };
        if early::begins_anew(&inbound) || early::stops_others(&inbound) {
            // They do what they say when they are accepted; as an edit they would only be confirmed.
            return Ok(());
        }
        let write = Write::ReplaceInput { id: input.id, inbound: Box::new(inbound) };
        match self.deps.storage.apply(Batch::new().with(write)).await {
            // Its turn began meanwhile: the edit is a late one.
            Ok(_) | Err(ApplyError::Conflict(Conflict::StateChanged { .. })) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The edited message came before the assistant was there, or did not address it then.
    async fn store_unseen(
        &self,
        mut arrival: Arrival,
        target: ExternalId,
    ) -> Result<Stored, OpenClawError> {
        arrival.inbound.kind = openclaw_core::InboundKind::Message;
        tracing::debug!(%target, "an edit of an unknown message is taken as a new one");
        self.store_input(&arrival).await
    }
}
