use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_core::{ChatAddress, ExternalId, UserId};
use openclaw_media::MediaStore;

use crate::Channel;

/// Drives the strict fake of one service, together with channels that speak to it.
///
/// Made fresh for every case. Methods that name a fake's own state must not wait for the channel,
/// except [`acknowledged`](Self::acknowledged) and [`arrived`](Self::arrived).
#[async_trait]
pub trait ServiceDriver: Send + Sync {
    /// A channel that speaks to the fake.
    fn channel(&self, credential: Credential) -> Arc<dyn Channel>;

    /// Every secret the channel was given, the refused one too; none may be shown anywhere.
    fn secrets(&self) -> Vec<String>;

    /// The store for attachments, in a folder of the case's own.
    fn media(&self) -> Arc<MediaStore>;

    /// A direct chat that the assistant may write to.
    fn direct_chat(&self) -> ChatAddress;

    /// The person in the direct chat.
    fn person(&self) -> UserId;

    /// How long one delivery of this channel may take; short, so that a hung service is found soon.
    fn delivery_limit(&self) -> Duration;

    /// Whether the service says when the assistant acknowledged an event; without acknowledgement
    /// the cases about it are left out.
    fn acknowledges(&self) -> bool;

    /// Whether the fake can fail like this at all.
    fn can_fail(&self, failure: &Failure) -> bool;

    /// Something happens at the service. Returns at once, whether or not a channel is connected.
    async fn push(&self, push: Push) -> Pushed;

    /// Whether the event has been acknowledged so far.
    async fn is_acknowledged(&self, pushed: &Pushed) -> bool;

    /// Waits until the event is acknowledged.
    async fn acknowledged(&self, pushed: &Pushed);

    /// The assistant's messages as the service shows them, oldest first; deleted ones are gone.
    async fn arrived(&self) -> Vec<Arrived>;

    /// The next delivery fails like this; later ones work again.
    async fn fail_next(&self, failure: Failure);
}

/// Which credential a channel is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// The one that the fake takes.
    Valid,
    /// Another one.
    Refused,
}

/// Something that happens at the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Push {
    /// The person writes in the direct chat.
    Direct {
        /// The text.
        text: String,
    },
    /// Somebody writes in a group.
    Group {
        /// The text, without the mention.
        text: String,
        /// Whether the assistant is mentioned in it; the driver adds the service's mention.
        mentioned: bool,
    },
    /// A message that was pushed before is edited.
    Edit {
        /// The message.
        of: Pushed,
        /// Its new text.
        text: String,
    },
}

/// An event at the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The service's id of the message, for an edit that of the edited one.
    pub message: ExternalId,
    /// Where it happened.
    pub chat: ChatAddress,
    /// What the driver finds the event again by.
    pub token: String,
}

/// One of the assistant's messages as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arrived {
    /// The service's id.
    pub message: ExternalId,
    /// Where it stands.
    pub chat: ChatAddress,
    /// The text, without markup.
    pub text: String,
}

/// How a delivery fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The service asks to wait.
    RetryAfter(Duration),
    /// The service answers that it is down, as a gateway in front of it does: 502 and HTML.
    Down,
    /// The person blocked the assistant.
    Blocked,
    /// The service finds the text too long.
    TooLarge,
    /// The service refuses the credential.
    CredentialRefused,
    /// The service parses it and refuses it.
    Refused,
    /// The service takes it, then answers a success that is not what its documentation says.
    UndecodableSuccess,
    /// The service takes it, then closes the connection before answering.
    CutAfterTaking,
    /// The service takes it and never answers.
    Hang,
}
