use openclaw_core::Secret;
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// A secret of high entropy, kept as its SHA-256: equal lengths make the comparison constant in
/// time, and nothing slower is needed where guessing is hopeless.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct SecretDigest([u8; 32]);

impl SecretDigest {
    pub(super) fn of(secret: &Secret) -> Self {
        Self(Sha256::digest(secret.expose().as_bytes()).into())
    }

    pub(super) fn matches(&self, offered: &Secret) -> bool {
        self.0.ct_eq(&Self::of(offered).0).into()
    }

    /// A name for it in caches and claims that gives nothing of the secret away.
    pub(super) fn bytes(&self) -> [u8; 32] {
        self.0
    }

    pub(super) fn to_hex(self) -> String {
        hex::encode(self.0)
    }

    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl std::fmt::Debug for SecretDigest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretDigest")
    }
}

#[cfg(test)]
mod tests {
    use super::SecretDigest;
    use openclaw_core::Secret;

    #[test]
    fn only_the_same_secret_matches() {
        let digest = SecretDigest::of(&Secret::new("one"));
        assert!(digest.matches(&Secret::new("one")));
        for other in ["", "on", "one ", "One", "two"] {
            assert!(!digest.matches(&Secret::new(other)), "{other:?}");
        }
        let read = SecretDigest::from_hex(&digest.to_hex());
        assert_eq!(read, Some(digest));
        assert_eq!(SecretDigest::from_hex("00"), None);
    }
}
