//! Telegram through the Bot API: long polling in, HTTPS calls out.
//!
//! An update is confirmed by raising the offset of `getUpdates`, and that happens only after ingress
//! has answered for it; so the loop is our own instead of teloxide's dispatcher, which confirms what
//! it has merely queued. The offset is not kept anywhere: the service remembers what was confirmed.
//! There is no way to send idempotently and none to read back, so whatever may have arrived is
//! reported as unknown.
//!
//! Updates are read by types of our own that ignore what they do not know: teloxide's turn a message
//! with one unknown entity into an empty one, and its text would be lost.
//!
//! To support one more kind of content, add its field to `wire.rs` and its case to `parse/content.rs`.

mod api;
mod channel;
mod deliver;
mod descriptor;
mod download;
mod factory;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod intake;
mod lookup;
mod menu;
mod parse;
mod poll;
mod settings;
mod wire;

pub use channel::TelegramChannel;
pub use descriptor::descriptor;
pub use factory::TelegramFactory;
pub use settings::{TelegramSettings, TimeLimits};
