//! `models.*`.

pub(super) mod list;
pub(super) mod probe;
pub(super) mod status;
