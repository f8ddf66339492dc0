//! `tool.*`.

pub(super) mod call;
