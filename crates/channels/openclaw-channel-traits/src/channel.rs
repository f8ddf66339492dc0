use std::sync::Arc;

use async_trait::async_trait;
use openclaw_core::{
    ChannelId, ChatAddress, ChatId, ChatKind, Clock, ExternalId, IdGen, Outbound, OutboxId,
    Receipt, Rng, Timestamp, UserId,
};
use openclaw_media::MediaStore;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::{AccountHold, ChannelDescriptor, ChannelError, DeliveryError, Ingress, MenuCommand};

/// One account of one chat service. All methods are required; what a service lacks is answered
/// with [`DeliveryError::Unsupported`].
#[async_trait]
pub trait Channel: Send + Sync + std::fmt::Debug + 'static {
    /// What this channel is and can do.
    fn descriptor(&self) -> &ChannelDescriptor;

    /// Connects and serves until `context.cancel` is cancelled (then `Ok`) or it fails.
    ///
    /// Reports its state through `context.status`; every successful round trip counts as life.
    /// Must not retry a lost connection by itself: the supervisor calls again with a fresh context.
    async fn run(self: Arc<Self>, context: ChannelContext) -> Result<(), ChannelError>;

    /// Does one thing in a chat. Ends within its own time limit, at most 60 s.
    ///
    /// Only a parsed success is `Ok`, only a parsed refusal is `Refused`, `Blocked` or the like; what
    /// may have arrived is [`DeliveryError::Unknown`].
    async fn deliver(&self, outbound: Outbound) -> Result<Receipt, DeliveryError>;

    /// Looks something up at the service.
    async fn lookup(&self, lookup: Lookup) -> Result<Found, DeliveryError>;
}

/// What a running channel is given.
#[derive(Clone)]
pub struct ChannelContext {
    /// The account it serves.
    pub channel_id: ChannelId,
    /// Where events are handed in.
    pub ingress: Arc<dyn Ingress>,
    /// Where state is reported.
    pub status: Arc<dyn StatusSink>,
    /// The store for attachments.
    pub media: Arc<MediaStore>,
    /// Whether this gateway holds the account.
    pub hold: AccountHold,
    /// Ends the channel.
    pub cancel: CancellationToken,
    /// Owner of the channel's tasks; the supervisor waits for them.
    pub tasks: TaskTracker,
    /// The chat commands, for the service's own menu; empty where none is to be shown.
    pub commands: Arc<[MenuCommand]>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Fresh ids.
    pub ids: Arc<dyn IdGen>,
    /// Randomness for jitter.
    pub rng: Arc<dyn Rng>,
}

/// Where a channel reports how it is.
pub trait StatusSink: Send + Sync {
    /// The state changed.
    fn report(&self, report: StatusReport);
    /// A round trip with the service succeeded.
    fn alive(&self);
}

/// A channel's state with what is known about the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StatusReport {
    /// The state.
    pub state: ChannelState,
    /// The account's own name at the service, such as `@my_bot`.
    pub account: Option<String>,
    /// Why, where the state is a bad one; without secrets.
    pub detail: Option<String>,
}

/// Where a channel stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelState {
    /// Not to run: disabled or disconnected on request.
    Stopped,
    /// Connecting for the first time or again.
    Connecting,
    /// Serving.
    Connected,
    /// Waiting to connect again after a failure.
    Backoff,
    /// Failed for good until its configuration changes.
    Failed,
}

/// What to look up at a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lookup {
    /// A chat.
    Chat(ChatId),
    /// A user.
    User(UserId),
    /// An own message: by the key it was sent with, or by its text after a moment.
    OwnMessage {
        /// Where it would stand.
        chat: ChatAddress,
        /// The key.
        key: OutboxId,
        /// Its text.
        text: String,
        /// When it was given over.
        since: Timestamp,
    },
    /// The account itself: a round trip that proves the credential.
    Account,
}

/// What was found; `None` where the service says that there is no such thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// A chat.
    Chat(Option<LookedUpChat>),
    /// A user.
    User(Option<LookedUpUser>),
    /// An own message.
    OwnMessage(Option<LookedUpMessage>),
    /// The account's own name.
    Account(String),
}

/// A chat as the service describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LookedUpChat {
    /// The id.
    pub id: ChatId,
    /// The kind.
    pub kind: ChatKind,
    /// The title: untrusted text.
    pub title: Option<String>,
}

/// A user as the service describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LookedUpUser {
    /// The id.
    pub id: UserId,
    /// The display name: untrusted text.
    pub display_name: Option<String>,
    /// The unique name, without `@`.
    pub username: Option<String>,
}

/// An own message as the service describes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LookedUpMessage {
    /// The service's id.
    pub external_id: ExternalId,
    /// When it was sent.
    pub sent_at: Timestamp,
}
