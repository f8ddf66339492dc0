//! `channel.*`.

pub(super) mod connect;
pub(super) mod describe;
pub(super) mod disconnect;
pub(super) mod list;
pub(super) mod status;
