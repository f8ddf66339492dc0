use openclaw_core::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NoParams;
use crate::method::method;
use crate::{Access, Scope, ScopeSet};

method! {
    /// `keys.create`.
    KeysCreate, "keys.create", Access::Scope(Scope::Admin), KeysCreateParams => IssuedKey,
    "Makes an API key. The key itself is given this once; what is kept is its hash."
}
method! {
    /// `keys.list`.
    KeysList, "keys.list", Access::Scope(Scope::Admin), NoParams => KeysListResult,
    "Lists the API keys, revoked ones too, with what they may do and when they were last used."
}
method! {
    /// `keys.revoke`.
    KeysRevoke, "keys.revoke", Access::Scope(Scope::Admin), KeyParams => ApiKey,
    "Ends an API key and every connection that signed in with it or with an access token from it."
}
method! {
    /// `keys.rotate`.
    KeysRotate, "keys.rotate", Access::Scope(Scope::Admin), KeyParams => IssuedKey,
    "Gives an API key another secret; the old one and what signed in with it end at once."
}
method! {
    /// `keys.rotate_signing`.
    KeysRotateSigning, "keys.rotate_signing", Access::Scope(Scope::Admin), NoParams => SigningKey,
    "Signs access tokens with a new key from now on; those signed before count until they expire."
}

/// The params of `keys.create`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeysCreateParams {
    /// What it is called: 1 to 64 characters, no other live key's.
    pub name: String,
    /// What it may do; at least one scope, none that the caller lacks.
    pub scopes: ScopeSet,
    /// For how long it works; without it until it is revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_in_ms: Option<u64>,
}

/// The params of methods on one API key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyParams {
    /// Its id, or the name of a live key.
    pub id: String,
}

/// The result of `keys.list`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct KeysListResult {
    /// The keys, oldest first.
    pub keys: Vec<ApiKey>,
}

/// An API key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ApiKey {
    /// The id: the part of the key between `oc_` and the next `_`.
    pub id: String,
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub scopes: ScopeSet,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
    /// When it was last used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_used_at: Option<Timestamp>,
}

/// An API key with its secret, which is shown this once.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct IssuedKey {
    /// The key: `oc_<id>_<secret>`.
    pub key: String,
    /// What it is.
    pub info: ApiKey,
}

impl std::fmt::Debug for IssuedKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("IssuedKey").field("info", &self.info).finish_non_exhaustive()
    }
}

/// A key that signs access tokens, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SigningKey {
    /// Its id: `kid` in the tokens it signs.
    pub id: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// Until when tokens of the key before it count; absent when it is the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier_until: Option<Timestamp>,
}
