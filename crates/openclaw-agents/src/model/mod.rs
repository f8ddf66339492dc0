//! Models: the [`Model`] port, what is known of them, and the adaptors that retry and fail over.
//!
//! A request's conversation is in rig's message types, which are neutral between providers; no
//! other part of rig leaves `rig`. To add a provider wire, extend `rig::build`; to add a cause of
//! failure, extend [`ErrorClass`] and its table in [`classify`].

mod candidates;
mod classify;
mod cooldown;
mod error;
mod facts;
mod failover;
mod port;
mod registry;
mod retry;
pub(crate) mod rig;
mod thinking;

pub use candidates::{Candidate, NoModel, candidates};
pub use classify::{ErrorClass, classify};
pub use cooldown::Cooldowns;
pub use error::ModelError;
pub use facts::{ModelFacts, Thinking};
pub use failover::Failover;
pub(crate) use port::text_of;
pub use port::{Event, EventStream, Model, Reply, Request};
pub use registry::Models;
pub use retry::{PauseBudget, Retry, RetryPolicy};
pub use rig::{ModelHttp, ModelHttpError};
