use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openclaw_core::{Rng, Secret, Timestamp};
use openclaw_protocol::ScopeSet;
use openclaw_protocol::methods::ApiKey;
use serde::{Deserialize, Serialize};

use super::digest::SecretDigest;

/// What every API key begins with, for people and for scanners of secrets.
const PREFIX: &str = "oc_";
const ID_BYTES: usize = 6;
const SECRET_BYTES: usize = 32;

/// The id in what may be an API key.
pub(super) fn id_of(text: &str) -> Option<&str> {
    let (id, secret) = text.strip_prefix(PREFIX)?.split_once('_')?;
    let is_id = id.len() == 2 * ID_BYTES && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_id && !secret.is_empty()).then_some(id)
}

/// A fresh id.
pub(super) fn fresh_id(rng: &dyn Rng) -> String {
    hex::encode(&random::<8>(rng)[..ID_BYTES])
}

/// A fresh key of this id, with 256 random bits.
pub(super) fn fresh_key(id: &str, rng: &dyn Rng) -> Secret {
    let secret = URL_SAFE_NO_PAD.encode(random::<SECRET_BYTES>(rng));
    Secret::new(format!("{PREFIX}{id}_{secret}"))
}

/// Random bytes; `N` is a multiple of eight.
pub(super) fn random<const N: usize>(rng: &dyn Rng) -> [u8; N] {
    let mut bytes = [0; N];
    for chunk in bytes.chunks_mut(8) {
        let fresh = rng.next_u64().to_le_bytes();
        chunk.copy_from_slice(&fresh[..chunk.len()]);
    }
    bytes
}

/// What is kept of an API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeyRecord {
    pub(super) name: String,
    /// SHA-256 of the whole key, in hexadecimal digits.
    pub(super) digest: String,
    /// That of the key before the last rotation: whoever still has it does not guess.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) former_digest: Option<String>,
    pub(super) scopes: ScopeSet,
    pub(super) created_by: String,
    pub(super) created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) revoked_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_used_at: Option<Timestamp>,
    /// Counts rotations: access tokens name the one they come from.
    pub(super) generation: u32,
}

impl KeyRecord {
    pub(super) fn secret(&self) -> Option<SecretDigest> {
        SecretDigest::from_hex(&self.digest)
    }

    /// Whether this was the key until the last rotation.
    pub(super) fn was(&self, offered: &Secret) -> bool {
        let former = self.former_digest.as_deref().and_then(SecretDigest::from_hex);
        former.is_some_and(|digest| digest.matches(offered))
    }

    pub(super) fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && self.expires_at.is_none_or(|at| at > now)
    }

    pub(super) fn describe(&self, id: &str) -> ApiKey {
        ApiKey {
            id: id.to_owned(),
            name: self.name.clone(),
            scopes: self.scopes,
            created_by: self.created_by.clone(),
            created_at: self.created_at,
            expires_at: self.expires_at,
            revoked_at: self.revoked_at,
            last_used_at: self.last_used_at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{fresh_id, fresh_key, id_of};
    use openclaw_core::SystemRng;

    #[test]
    fn a_key_tells_its_id_and_no_two_are_alike() {
        let id = fresh_id(&SystemRng);
        let key = fresh_key(&id, &SystemRng);
        assert_eq!(id_of(key.expose()), Some(id.as_str()));
        assert_ne!(fresh_key(&id, &SystemRng), key);
        assert_ne!(fresh_id(&SystemRng), id);
        assert_eq!(key.expose().len(), "oc_".len() + 12 + 1 + 43);
    }

    #[test]
    fn nothing_else_is_one() {
        for text in ["", "oc_", "oc_0123456789ab", "oc_0123456789ab_", "oc_0123456789xy_a", "oc__a"]
        {
            assert_eq!(id_of(text), None, "{text}");
        }
    }
}
