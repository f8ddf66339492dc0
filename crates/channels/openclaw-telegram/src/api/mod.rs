//! Calls of the Bot API through teloxide, with our time limits and our reading of answers.

mod answering;
mod client;
mod failure;
mod get;
mod redact;

pub(crate) use answering::{Answering, Ignored, Sent};
pub(crate) use client::{Api, Client};
pub(crate) use failure::CallFailure;
pub(crate) use get::{BotAccount, ChatInfo, FileInfo, GetChat, GetFile, GetMe, GetUpdates};
