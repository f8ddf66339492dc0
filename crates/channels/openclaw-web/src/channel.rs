use std::sync::{Arc, LazyLock};

use async_trait::async_trait;
use openclaw_channel_traits::{
    Channel, ChannelContext, ChannelDescriptor, ChannelError, ChannelState, ClientEvents,
    DeliveryError, Found, LengthUnit, LookedUpChat, LookedUpMessage, LookedUpUser, Lookup,
    MarkupDialect, Reconcile, StatusReport,
};
use openclaw_core::{
    ChannelId, ChatKind, Clock, ExternalId, Outbound, OutboxId, Receipt, SendMessage,
};

/// The longest text in one message: what a client can take in one frame, with room for the rest.
const TEXT_LIMIT: usize = 1024 * 1024;
/// The largest file: what the gateway takes in one upload.
const MEDIA_LIMIT: u64 = 25 * 1024 * 1024;

/// What the web chat is and can do.
pub(crate) fn descriptor() -> &'static ChannelDescriptor {
    static DESCRIPTOR: LazyLock<ChannelDescriptor> = LazyLock::new(|| ChannelDescriptor {
        kind: ChannelId::web().kind(),
        name: "Web",
        markup: MarkupDialect::Markdown,
        text_limit: TEXT_LIMIT,
        caption_limit: TEXT_LIMIT,
        length_unit: LengthUnit::Bytes,
        media_limit_bytes: MEDIA_LIMIT,
        // What is committed stays; answers are streamed as events instead.
        edits: false,
        streams_by_edit: false,
        edit_interval_ms: 0,
        deletes: false,
        reactions: false,
        threads: false,
        polls: false,
        typing: true,
        buttons: false,
        groups: false,
        delivers_by_commit: true,
        reconcile: Reconcile::Deduplicates,
    });
    &DESCRIPTOR
}

/// The web chat. It is connected as long as the gateway runs.
#[derive(Debug)]
pub struct WebChannel {
    events: Arc<dyn ClientEvents>,
    clock: Arc<dyn Clock>,
}

impl WebChannel {
    /// A channel that tells clients through this port.
    pub fn new(events: Arc<dyn ClientEvents>, clock: Arc<dyn Clock>) -> Self {
        Self { events, clock }
    }

    fn send(&self, send: &SendMessage) -> Result<Receipt, DeliveryError> {
        let external_id = Some(own_id(&send.key)?);
        Ok(Receipt { external_id, sent_at: self.clock.now() })
    }
}

/// The web chat has no ids of its own: a message's is that of its outbox row.
fn own_id(key: &OutboxId) -> Result<ExternalId, DeliveryError> {
    ExternalId::new(key.as_str()).map_err(|error| DeliveryError::Refused(error.to_string()))
}

#[async_trait]
impl Channel for WebChannel {
    fn descriptor(&self) -> &ChannelDescriptor {
        descriptor()
    }

    async fn run(self: Arc<Self>, context: ChannelContext) -> Result<(), ChannelError> {
        let state = ChannelState::Connected;
        context.status.report(StatusReport { state, account: None, detail: None });
        context.status.alive();
        context.cancel.cancelled().await;
        Ok(())
    }

    async fn deliver(&self, outbound: Outbound) -> Result<Receipt, DeliveryError> {
        match outbound {
            // Whoever delivers has committed it, and with that it is there.
            Outbound::Send(send) => self.send(&send),
            Outbound::Typing(typing) => {
                self.events.typing(&ChannelId::web(), &typing.chat);
                Ok(Receipt { external_id: None, sent_at: self.clock.now() })
            }
            Outbound::Edit(_) => Err(DeliveryError::Unsupported("editing a message")),
            Outbound::Delete(_) => Err(DeliveryError::Unsupported("deleting a message")),
            Outbound::React(_) => Err(DeliveryError::Unsupported("a reaction")),
            Outbound::Poll(_) => Err(DeliveryError::Unsupported("a poll")),
        }
    }

    /// Every chat and user exists that somebody names: a chat begins when it is written to.
    async fn lookup(&self, lookup: Lookup) -> Result<Found, DeliveryError> {
        Ok(match lookup {
            Lookup::Chat(id) => {
                Found::Chat(Some(LookedUpChat { id, kind: ChatKind::Direct, title: None }))
            }
            Lookup::User(id) => {
                Found::User(Some(LookedUpUser { id, display_name: None, username: None }))
            }
            Lookup::OwnMessage { key, since, .. } => {
                let external_id = own_id(&key)?;
                Found::OwnMessage(Some(LookedUpMessage { external_id, sent_at: since }))
            }
            Lookup::Account => Found::Account(ChannelId::web().into_string()),
        })
    }
}
