//! Session keys and scopes, and one lane per live session.
//!
//! A lane is one task that works on the inputs of one session key, one turn at a time. It reads its
//! rows from the inbox; its mailbox carries only wake-ups. Queue and reset policies live here. What
//! a turn does is behind [`TurnRunner`], which `openclaw-agents` implements; how its text reaches a
//! chat is behind [`TurnDelivery`], which the gateway implements. This crate knows no model, no
//! channel and no wire.

mod ports;

pub use ports::{
    ReplyRequest, Steering, Turn, TurnDelivery, TurnInfo, TurnOutcome, TurnResult, TurnRunner,
    TurnStream,
};
