//! `session.*`.

pub(super) mod create;
pub(super) mod delete;
pub(super) mod find;
pub(super) mod get;
pub(super) mod list;
pub(super) mod reset;
pub(super) mod update;
