//! `agent.*`.

pub(super) mod attachments;
mod outcome;
pub(super) mod run;
pub(super) mod status;
pub(super) mod stop;
