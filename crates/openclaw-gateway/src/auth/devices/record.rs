use openclaw_core::{Secret, Timestamp};
use openclaw_protocol::ScopeSet;
use openclaw_protocol::methods::{Device, DeviceInfo, DeviceToken};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

/// An approved device as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceRecord {
    /// The SHA-256 of the key, hexadecimal.
    pub device_id: String,
    /// The key, base64url.
    pub public_key: String,
    /// What it says of itself.
    pub info: DeviceInfo,
    /// What it is approved for.
    pub scopes: ScopeSet,
    /// Whether it may connect.
    pub is_approved: bool,
    /// Its token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<TokenRecord>,
    /// When it was first approved.
    pub created_at: Timestamp,
    /// When it was last approved.
    pub approved_at: Timestamp,
}

/// A token as it is stored: its digest. It has 256 bits, so nothing slower is needed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TokenRecord {
    digest: String,
    /// What it may do.
    pub scopes: ScopeSet,
    /// When it was issued.
    pub created_at: Timestamp,
    /// Whether it took the place of another.
    pub is_rotated: bool,
    /// When it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

impl TokenRecord {
    pub(super) fn new(token: &Secret, scopes: ScopeSet, now: Timestamp, is_rotated: bool) -> Self {
        let digest = digest_of(token);
        Self { digest, scopes, created_at: now, is_rotated, last_used_at: None }
    }

    /// The same token, which may do more.
    pub(super) fn allowing(mut self, more: ScopeSet) -> Self {
        self.scopes = self.scopes.iter().chain(more.iter()).collect();
        self
    }

    pub(super) fn matches(&self, offered: &Secret) -> bool {
        self.is(&digest_of(offered))
    }

    /// Whether it is the token of this digest.
    pub(super) fn is(&self, digest: &str) -> bool {
        self.digest.as_bytes().ct_eq(digest.as_bytes()).into()
    }
}

pub(super) fn digest_of(token: &Secret) -> String {
    hex::encode(Sha256::digest(token.expose().as_bytes()))
}

impl DeviceRecord {
    /// The device as clients see it.
    pub fn describe(&self) -> Device {
        Device {
            device_id: self.device_id.clone(),
            public_key: self.public_key.clone(),
            info: self.info.clone(),
            scopes: self.scopes,
            is_approved: self.is_approved,
            token: self.token.as_ref().map(|token| DeviceToken {
                scopes: token.scopes,
                created_at: token.created_at,
                is_rotated: token.is_rotated,
                last_used_at: token.last_used_at,
            }),
            created_at: self.created_at,
            approved_at: self.approved_at,
        }
    }
}
