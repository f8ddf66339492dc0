//! Which agent, and which session, a message goes to.
//!
//! A [`RoutingTable`] is compiled once from the configuration. [`RoutingTable::route`] is pure and
//! synchronous: the first rule in file order whose every condition holds decides, else the chat's
//! own setting, else the default agent. An index over the rules keeps a decision in microseconds
//! with a thousand of them; [`RoutingTable::explain`] walks all of them and says why.
//!
//! What this crate is not: it derives no session keys (`openclaw-sessions` does), knows no access
//! policy, and reads nothing but the [`openclaw_core::Inbound`] it is given.
//!
//! To add a condition: a field of `openclaw_config::RoutingRule`, a variant of [`Condition`], its
//! place in `rule::Rule`, and, where it compares for equality, a key of the index.

mod error;
mod explain;
mod index;
mod pattern;
mod rule;
mod table;

pub use error::RoutingError;
pub use explain::{Condition, DecidedBy, Explanation, RuleExplanation, Verdict};
pub use table::{Decision, RoutingTable};
