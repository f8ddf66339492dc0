//! From our vocabulary to calls of the Bot API.

mod edit;
mod media;
mod other;
mod target;
mod text;

pub(crate) use target::recipient;

use std::sync::Arc;

use openclaw_channel_traits::{DeliveryError, MediaStore};
use openclaw_core::{Clock, ExternalId, Outbound, Receipt};

use crate::api::{CallFailure, Client, Sent};

/// Does what is asked of one bot.
pub(crate) struct Deliverer {
    calls: Client,
    /// With a time limit that lets files through.
    uploads: Client,
    clock: Arc<dyn Clock>,
    media: Arc<MediaStore>,
    media_limit: u64,
}

impl Deliverer {
    pub(crate) fn new(
        calls: Client,
        uploads: Client,
        clock: Arc<dyn Clock>,
        media: Arc<MediaStore>,
        media_limit: u64,
    ) -> Self {
        Self { calls, uploads, clock, media, media_limit }
    }

    pub(crate) async fn deliver(&self, outbound: &Outbound) -> Result<Receipt, DeliveryError> {
        match outbound {
            Outbound::Send(send) if send.media.is_empty() => self.send_text(send).await,
            Outbound::Send(send) => self.send_media(send).await,
            Outbound::Edit(edit) => self.edit(edit).await,
            Outbound::Delete(delete) => self.delete(delete).await,
            Outbound::React(react) => self.react(react).await,
            Outbound::Typing(typing) => self.typing(typing).await,
            Outbound::Poll(poll) => self.poll(poll).await,
        }
    }

    /// The receipt of a message that was made.
    fn made(&self, sent: Sent) -> Result<Receipt, DeliveryError> {
        let id = ExternalId::new(sent.message_id.to_string())
            .map_err(|error| DeliveryError::Unknown(error.to_string()))?;
        Ok(self.receipt(Some(id), Some(sent)))
    }

    fn receipt(&self, external_id: Option<ExternalId>, sent: Option<Sent>) -> Receipt {
        let sent_at = sent.and_then(|sent| sent.at()).unwrap_or_else(|| self.clock.now());
        Receipt { external_id, sent_at }
    }
}

/// Whether the service could not parse our markup; then the text goes out without any.
fn is_markup_refused(failure: &CallFailure) -> bool {
    failure.refused_with("can't parse entities")
}
