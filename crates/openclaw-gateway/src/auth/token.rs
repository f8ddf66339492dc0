use openclaw_core::Secret;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// The gateway token, kept as its digest: equal lengths make the comparison constant in time.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TokenDigest([u8; 32]);

impl TokenDigest {
    pub(super) fn of(token: &Secret) -> Self {
        Self(Sha256::digest(token.expose().as_bytes()).into())
    }

    pub(super) fn matches(&self, offered: &Secret) -> bool {
        let offered: [u8; 32] = Sha256::digest(offered.expose().as_bytes()).into();
        self.0.ct_eq(&offered).into()
    }
}
