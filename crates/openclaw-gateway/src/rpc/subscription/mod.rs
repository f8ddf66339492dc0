//! `subscribe` and `unsubscribe`.

pub(super) mod subscribe;
pub(super) mod unsubscribe;
