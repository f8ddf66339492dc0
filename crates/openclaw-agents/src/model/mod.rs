//! Models: the [`Model`] port, what is known of them, and the adaptors that retry and fail over.
//!
//! A request's conversation is in rig's message types, which are neutral between providers; no
//! other part of rig leaves `rig`. To add a provider wire, extend `rig::build`; to add a cause of
//! failure, extend [`ErrorClass`] and its table in [`classify`].

mod affinity;
mod candidates;
mod classify;
mod cooldown;
mod error;
mod facts;
mod failover;
mod port;
mod pricing;
mod probe;
mod registry;
mod retry;
pub(crate) mod rig;
mod thinking;

pub use affinity::Affinity;
pub use candidates::{Candidate, NoModel, candidates, resolve};
pub use classify::{Action, ErrorClass, classify};
pub use cooldown::{Cooldowns, Cooling};
pub use error::ModelError;
pub(crate) use error::spoken;
pub use facts::{ModelFacts, Thinking, catalog_models};
pub use failover::{Attempt, Failover, Standing};
pub use openclaw_storage::rows::Sampling;
pub(crate) use port::text_of;
pub use port::{Event, EventStream, Model, OnLimit, Reply, Request};
pub use pricing::Prices;
pub use probe::KeyProbe;
pub use registry::{Models, credential_names};
pub use retry::{PauseBudget, Retry, RetryPolicy};
pub(crate) use rig::EmbeddingModel;
pub use rig::{ModelHttp, ModelHttpError};
