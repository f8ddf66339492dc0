//! `message.*`.

pub(super) mod history;
pub(super) mod receive;
pub(super) mod send;
