//! The OpenAI-compatible interface: agents are models, a request is a run.
//!
//! A request goes the way of every message: stored as an input, taken by its session's lane, run
//! as a turn. What the caller brings (instructions, tools, limits) travels with the run; its tools
//! are never run here. Both interfaces read into one [`ask::Asked`] and write through one
//! [`follow::Writer`].

mod ask;
mod chat;
mod chat_request;
mod error;
mod files;
mod follow;
mod models;
mod responses;
mod responses_request;
mod route;
mod said;
mod sampling;
mod text;

pub(crate) use route::route;
