//! `message.*`.

pub(super) mod history;
pub(super) mod receive;
pub(super) mod search;
pub(super) mod send;
