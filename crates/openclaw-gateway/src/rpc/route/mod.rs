//! `route.*`.

pub(super) mod explain;
