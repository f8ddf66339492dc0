//! The way in: access, pairing, routing and the one batch that makes a message accepted.
//!
//! Everything that starts a turn passes [`GatewayIngress`]: adapters through
//! [`openclaw_channel_traits::Ingress`], callers of `agent.run` through
//! [`GatewayIngress::accept_run`]. An event counts as accepted only when its batch is committed.

mod accept;
mod access;
mod backlog;
mod command;
mod edit;
mod run;
mod scheduled;
mod scrub;
mod store;

pub use accept::{GatewayIngress, IngressDeps};
pub use run::{AcceptedRun, RunRequest};
pub(crate) use scheduled::{Scheduled, ScheduledFate};
