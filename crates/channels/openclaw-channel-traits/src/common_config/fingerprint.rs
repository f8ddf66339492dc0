use std::fmt::Display;

use openclaw_core::Secret;
use sha2::{Digest, Sha256};

/// Tells whether a reload changed an account's settings, without holding them.
#[derive(Clone)]
pub struct Fingerprint(Sha256);

impl Fingerprint {
    /// Of nothing.
    #[must_use]
    pub fn new() -> Self {
        Self(Sha256::new())
    }

    /// Adds one setting.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Display) -> Self {
        let value = value.to_string();
        for part in [name, &value] {
            // With lengths, so that two settings never read as one.
            self.0.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            self.0.update(part.as_bytes());
        }
        self
    }

    /// Adds a secret.
    #[must_use]
    pub fn secret(self, name: &str, secret: &Secret) -> Self {
        self.field(name, secret.expose())
    }

    /// The fingerprint as text.
    pub fn finish(self) -> String {
        hex::encode(self.0.finalize())
    }
}

impl Default for Fingerprint {
    fn default() -> Self {
        Self::new()
    }
}

impl std::fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Fingerprint")
    }
}
