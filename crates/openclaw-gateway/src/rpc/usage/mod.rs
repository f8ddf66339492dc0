//! `usage.*`.

pub(crate) mod cost;
