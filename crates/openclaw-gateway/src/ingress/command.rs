//! What chat commands do the moment they are stored.

use openclaw_core::{ChannelId, ChatKind, Inbound, RunId, SessionKey};
use openclaw_sessions::{StopTarget, Wake, is_configured_owner};
use openclaw_storage::StorageError;
use openclaw_storage::rows::InboxRow;

use super::GatewayIngress;
use super::store::Arrival;
use crate::commands::{Answer, early};

/// The most runs that one command ends.
const MOST_STOPPED: u32 = 1_000;

impl GatewayIngress {
    /// An event on its way into a session.
    pub(super) async fn arrival(
        &self,
        inbound: Inbound,
        session_key: SessionKey,
        starts_turn: bool,
    ) -> Arrival {
        let (begins_anew, stops_others) =
            (early::begins_anew(&inbound), early::stops_others(&inbound));
        let allowed =
            (begins_anew || stops_others) && starts_turn && self.may_command(&inbound).await;
        let approves = match Answer::of(&inbound) {
            Some(answer) if starts_turn && self.is_owner(&inbound).await => Some(answer),
            Some(_) | None => None,
        };
        Arrival {
            inbound,
            session_key,
            starts_turn,
            begins_anew: begins_anew && allowed,
            stops_others: stops_others && allowed,
            approves,
            begins: None,
        }
    }

    /// In a group only the owner ends what others began.
    async fn may_command(&self, inbound: &Inbound) -> bool {
        inbound.conversation.kind == ChatKind::Direct
            || inbound.conversation.channel_id == ChannelId::web()
            || self.is_owner(inbound).await
    }

    /// Whether an owner wrote it, in a chat: what clients may do, their credential says.
    async fn is_owner(&self, inbound: &Inbound) -> bool {
        let channel = &inbound.conversation.channel_id;
        if *channel == ChannelId::web() {
            return false;
        }
        if is_configured_owner(&self.config().session, inbound) {
            return true;
        }
        match self.deps.storage.pairing(channel, &inbound.sender.id).await {
            Ok(row) => row.is_some_and(|row| row.is_owner),
            Err(error) => {
                tracing::warn!(%channel, %error, "cannot look a sender up, so its command is not obeyed");
                false
            }
        }
    }

    /// Ends what a command that was stored as this run ends.
    pub(super) async fn after_command(&self, arrival: &Arrival, own: &RunId) {
        if arrival.begins_anew {
            self.deps.lanes.wake(&arrival.session_key, Wake::Reset);
        }
        if arrival.stops_others {
            self.stop_older(&arrival.session_key, own).await;
        }
        self.answer_approval(arrival);
    }

    /// Answers a command that asks: the turn that does is before this one and waits for it. A second
    /// time changes nothing.
    pub(super) fn answer_approval(&self, arrival: &Arrival) {
        if let (Some(answer), Some(board)) = (&arrival.approves, &self.deps.approvals) {
            answer.give(board, &arrival.inbound);
        }
    }

    /// Does once more what a command that is stored does: whoever stored it may have ended before it
    /// was done. Nothing happens where it was.
    pub(super) async fn again_after_command(&self, row: &InboxRow) {
        let (begins_anew, stops_others) =
            (early::begins_anew(&row.inbound), early::stops_others(&row.inbound));
        if row.state.is_final()
            || !(begins_anew || stops_others)
            || !self.may_command(&row.inbound).await
        {
            return;
        }
        if begins_anew {
            self.deps.lanes.wake(&row.session_key, Wake::Reset);
        }
        if stops_others {
            self.stop_older(&row.session_key, &row.run_id).await;
        }
    }

    /// Does what the commands do that an earlier life of the gateway stored and did not answer. Asked
    /// for before the lanes begin the turns that these commands end.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn recover_commands(&self) -> Result<(), StorageError> {
        for key in self.deps.storage.keys_with_open_inputs().await? {
            let open = self.deps.storage.open_inputs(&key, MOST_STOPPED).await?;
            if let Some(last) = open.iter().rfind(|row| early::stops_others(&row.inbound)) {
                self.again_after_command(last).await;
            }
        }
        Ok(())
    }

    /// Stops the runs of a session that were accepted before this one.
    async fn stop_older(&self, key: &SessionKey, own: &RunId) {
        let stopped = async {
            let open = self.deps.storage.open_inputs(key, MOST_STOPPED).await?;
            let is_there = open.iter().any(|row| row.run_id == *own);
            // Where it is not among them it has ended, or more than these are older.
            if !is_there && open.len() < MOST_STOPPED as usize {
                return Ok(());
            }
            for row in open.iter().take_while(|row| row.run_id != *own) {
                self.deps.lanes.stop(StopTarget::Run(&row.run_id)).await?;
            }
            self.deps.lanes.stop_subagents(key).await?;
            Ok::<_, StorageError>(())
        };
        if let Err(error) = stopped.await {
            tracing::warn!(session = %key, %error, "not every run could be stopped");
        }
    }
}
