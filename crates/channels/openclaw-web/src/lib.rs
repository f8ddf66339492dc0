//! The built-in web chat: the channel of clients that are connected to the gateway itself.
//!
//! There is no service behind it. A message is delivered when it is committed: clients read it by
//! its place in the session, live or later. What is never stored, that an answer is being written,
//! passes the [`ClientEvents`](openclaw_channel_traits::ClientEvents) port. What clients say comes
//! in through the gateway's own methods, whose authentication decides who may, so this channel has
//! no access keys.

mod channel;
mod factory;

pub use channel::WebChannel;
pub use factory::WebFactory;
