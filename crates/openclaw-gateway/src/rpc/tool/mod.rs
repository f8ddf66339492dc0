//! `tool.*`.

pub(super) mod call;
pub(super) mod list;
