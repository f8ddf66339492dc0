//! `agent.*`.

pub(super) mod attachments;
pub(super) mod run;
pub(super) mod status;
pub(super) mod stop;
