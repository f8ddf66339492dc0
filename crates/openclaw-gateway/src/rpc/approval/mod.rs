//! `approval.*`.

pub(super) mod allowed;
pub(super) mod forget;
pub(super) mod list;
pub(super) mod resolve;
