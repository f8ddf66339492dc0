//! `logs.*`.

pub(super) mod tail;
