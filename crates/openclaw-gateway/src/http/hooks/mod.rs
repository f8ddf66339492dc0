//! Webhooks in: `/hooks/wake`, `/hooks/agent`, and `/hooks/<name>` by the mappings of the
//! configuration.
//!
//! A hook that runs the agent is an input like any other: stored, then run by its session's lane,
//! its answer sent by the outbox. What it brings comes from outside and is told so.

mod agent;
mod deliver;
mod mapping;
mod refused;
mod route;
mod template;
mod verify;
mod wake;

pub(crate) use route::route;
pub(crate) use verify::Gate;
