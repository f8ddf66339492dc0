//! `gateway.*`.

pub(super) mod reload;
pub(super) mod restart;
pub(super) mod status;
pub(super) mod stop;
