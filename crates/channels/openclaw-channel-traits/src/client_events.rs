use openclaw_core::{ChannelId, ChatAddress};

/// How the built-in web channel reaches the clients that are connected to the gateway.
///
/// Fulfilled by the gateway's fan-out. Stored messages do not pass it: their events are written in
/// the batch that stores them. Calls return at once; what no client listens to is dropped.
pub trait ClientEvents: Send + Sync + std::fmt::Debug {
    /// An answer is being written in this chat.
    fn typing(&self, channel: &ChannelId, chat: &ChatAddress);
}
