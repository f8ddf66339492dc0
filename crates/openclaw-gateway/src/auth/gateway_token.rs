use std::sync::RwLock;

use openclaw_core::Secret;

use super::digest::SecretDigest;
use super::{Grant, Principal};

/// The gateway token, which makes its holder the owner.
#[derive(Debug)]
pub(super) struct GatewayToken(RwLock<(SecretDigest, Grant)>);

impl GatewayToken {
    pub(super) fn new(token: &Secret) -> Self {
        Self(RwLock::new((SecretDigest::of(token), Grant::lasting())))
    }

    /// Takes another token; whether it is another one. What signed in with the old one ends.
    pub(super) fn replace(&self, token: &Secret) -> bool {
        let fresh = SecretDigest::of(token);
        let mut present = self.0.write().expect("no panic while the token is held");
        let is_other = present.0 != fresh;
        if is_other {
            present.1.end();
            *present = (fresh, Grant::lasting());
        }
        is_other
    }

    pub(super) fn check(&self, offered: &Secret) -> Option<Principal> {
        let present = self.0.read().expect("no panic while the token is held");
        present.0.matches(offered).then(|| Principal::owner_with(present.1.clone()))
    }
}
