//! `gateway.*`.

pub(super) mod reload;
pub(super) mod status;
pub(super) mod stop;
