use std::collections::HashMap;
use std::sync::Mutex;

use openclaw_core::{Secret, Timestamp};

use super::Principal;
use super::digest::SecretDigest;

/// Access tokens whose signature need not be checked again; beyond it those that are over are
/// forgotten, then all.
const MOST: usize = 10_000;

/// Who the access tokens that were verified stand for: verifying costs 100 µs.
#[derive(Debug, Default)]
pub(super) struct VerifiedTokens(Mutex<HashMap<[u8; 32], Principal>>);

impl VerifiedTokens {
    pub(super) fn get(&self, token: &Secret, now: Timestamp) -> Option<Principal> {
        let tokens = self.0.lock().expect("no panic while the tokens are held");
        let principal = tokens.get(&SecretDigest::of(token).bytes())?;
        (!principal.grant.is_over(now)).then(|| principal.clone())
    }

    pub(super) fn put(&self, token: &Secret, principal: Principal, now: Timestamp) {
        let mut tokens = self.0.lock().expect("no panic while the tokens are held");
        if tokens.len() >= MOST {
            tokens.retain(|_, principal| !principal.grant.is_over(now));
        }
        if tokens.len() >= MOST {
            tokens.clear();
        }
        tokens.insert(SecretDigest::of(token).bytes(), principal);
    }
}
