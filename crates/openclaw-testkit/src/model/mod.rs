//! A scripted model server: real HTTP on 127.0.0.1, speaking OpenAI chat completions and Anthropic
//! messages.
//!
//! What it answers is scripted per request with [`Reply`] values, faults on every layer included.
//! It is strict about what it is sent: a request that a real provider would refuse, or that leaves
//! a tool call unanswered, is recorded as a violation and answered 400. Every raw body is kept,
//! and so are the moments at which replies begin and connections end.

mod api;
mod conversation;
mod http;
mod invariants;
mod render;
mod reply;
mod request;
mod script;
mod server;
mod state;

pub use api::Api;
pub use reply::{Ending, Part, Reply, ReplyUsage, ScriptedCall};
pub use request::RecordedRequest;
pub use script::Script;
pub use server::ModelServer;
