//! What chat commands do the moment they are stored.

use openclaw_core::{ChannelId, ChatKind, Inbound, RunId, SessionKey};
use openclaw_sessions::{StopTarget, Wake, is_configured_owner};

use super::GatewayIngress;
use super::store::Arrival;
use crate::commands::early;

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
        Arrival {
            inbound,
            session_key,
            starts_turn,
            begins_anew: begins_anew && allowed,
            stops_others: stops_others && allowed,
        }
    }

    /// In a group only the owner ends what others began.
    async fn may_command(&self, inbound: &Inbound) -> bool {
        let channel = &inbound.conversation.channel_id;
        if inbound.conversation.kind == ChatKind::Direct
            || *channel == ChannelId::web()
            || is_configured_owner(&self.config().session, inbound)
        {
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
        if !arrival.stops_others {
            return;
        }
        let open = self.deps.storage.open_inputs(&arrival.session_key, MOST_STOPPED).await;
        let stopped = async {
            for row in open?.iter().filter(|row| row.run_id != *own) {
                self.deps.lanes.stop(StopTarget::Run(&row.run_id)).await?;
            }
            Ok::<_, openclaw_storage::StorageError>(())
        };
        if let Err(error) = stopped.await {
            tracing::warn!(session = %arrival.session_key, %error, "not every run could be stopped");
        }
    }
}
