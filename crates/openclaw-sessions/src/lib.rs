//! Session keys and scopes, and one lane per live session.
//!
//! A lane is one task that works on the inputs of one session key, one turn at a time. It reads its
//! rows from the inbox; its mailbox carries only wake-ups. Queue and reset policies live here. What
//! a turn does is behind [`TurnRunner`], which `openclaw-agents` implements; how its text reaches a
//! chat is behind [`TurnDelivery`], which the gateway implements. This crate knows no model, no
//! channel and no wire.
//!
//! Ingress asks [`session_key`], [`reset_due`] and [`replies_back_to`], commits the input, then calls
//! [`Lanes::wake`]. Every write of a lane is fenced by its lease, and each turn is three kinds of
//! batch: its beginning, the runner's steps, its end. What is between two of them after a crash is
//! resumed from the last.
//!
//! To add a queue mode: a variant of `openclaw_core::QueueMode`, its grouping in `queue`, and, where
//! it acts on a turn at work, `drive` or `steering`.

mod children;
mod drive;
mod ending;
mod keys;
mod lane;
mod lanes;
mod lease;
mod limits;
mod mailbox;
mod ports;
mod queue;
mod queue_rules;
mod reply_back;
mod report;
mod reset;
mod runs;
mod steering;
mod stop;
mod turn;
mod work;

pub use children::{SUBAGENT, is_subagent};
pub use keys::{is_configured_owner, session_key};
pub use lanes::{LaneDeps, Lanes};
pub use limits::LaneLimits;
pub use mailbox::Wake;
pub use ports::{
    ReplyRequest, Steering, Turn, TurnDelivery, TurnInfo, TurnOutcome, TurnResult, TurnRunner,
    TurnStream,
};
pub use reply_back::{replies_back, replies_back_to};
pub use reset::{ResetReason, renewed, reset_due};
pub use runs::{ActiveRun, RunEnd, RunWatch, WaitError};
pub use stop::StopTarget;
