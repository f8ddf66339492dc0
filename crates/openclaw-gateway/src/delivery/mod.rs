//! From committed outbox rows to chats: order per conversation, retries, uncertain outcomes, and the
//! preview that shows an answer while it is written.
//!
//! One worker per conversation that has rows which have not ended; rows of a conversation go out
//! strictly in order. A row is marked `sending` before the channel is asked and `sent` only after
//! the service confirmed it. What was given over and not confirmed is reconciled, never guessed.

mod dispatcher;
mod live;
mod outcome;
mod plan;
mod preview;
mod stream;
mod worker;

pub use dispatcher::{Delivery, DeliveryDeps};
pub use live::{LiveEvent, LiveSink, NoLive};
pub(crate) use worker::SEND_LIMIT;
