//! The fake of the Bot API, driven by plain HTTP, by a real client, and as a program.

mod failures;
mod http;
mod polling;
mod program;
mod real_client;
mod refusals;
