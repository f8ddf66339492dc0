//! A strict fake of the Telegram Bot API: a real HTTP server on loopback with one state per bot token.
//!
//! It refuses what the real service refuses, with the same words, and keeps what a client did beyond
//! that as [`FakeBot::violations`]: unknown methods, unknown parameters, values of the wrong type.
//! People and groups are driven through [`FakeBot`], or from outside over the small control API that
//! the program `fake-telegram` adds. It is deliberately not a full Telegram: no inline mode, no
//! payments, no business accounts.
//!
//! To add a method: a row in `catalog.rs` and a function in `methods/`.

mod answer;
mod bot;
mod call;
mod catalog;
mod control;
mod driver;
mod entities;
mod exchange;
mod failure;
mod html;
mod methods;
mod model;
mod post;
mod server;
mod updates;

pub use bot::FakeBot;
pub use driver::{Edit, JournalEntry, SentFile, SentMessage};
pub use failure::Failure;
pub use html::parse_html;
pub use post::Post;
pub use server::FakeTelegram;
