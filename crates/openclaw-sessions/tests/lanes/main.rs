//! Lanes over a store in memory, with a scripted runner, on paused time.
//!
//! A test is a [`world::World`] and one or more lives of a gateway in it; the end of a life without
//! a shutdown is a crash.

mod crashes;
mod delivery;
mod endings;
mod leases;
mod queue_modes;
mod queue_rules;
mod random;
mod recovery;
mod reports;
mod runner;
mod stopping;
mod world;
