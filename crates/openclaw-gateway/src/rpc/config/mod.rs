//! `config.*`.

pub(super) mod get;
pub(super) mod schema;
pub(super) mod set;
