//! `pairing.*`.

pub(super) mod approve;
pub(super) mod list;
