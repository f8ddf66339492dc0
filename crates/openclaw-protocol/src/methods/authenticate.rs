use openclaw_core::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::method::method;
use crate::{Access, ScopeSet};

method! {
    /// `authenticate`.
    Authenticate, "authenticate", Access::Public, AuthenticateParams => AuthenticateResult,
    "Signs the connection in with exactly one credential. Over HTTP it only checks the credential."
}

/// The params of `authenticate`: exactly one of them.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthenticateParams {
    /// The gateway token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// An API key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub api_key: Option<String>,
    /// An access token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jwt: Option<String>,
    /// The password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

impl std::fmt::Debug for AuthenticateParams {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AuthenticateParams")
            .field("token", &self.token.is_some())
            .field("api_key", &self.api_key.is_some())
            .field("jwt", &self.jwt.is_some())
            .field("password", &self.password.is_some())
            .finish()
    }
}

/// The result of `authenticate`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AuthenticateResult {
    /// The credential's name.
    pub principal: String,
    /// What it may do.
    pub scopes: ScopeSet,
    /// A token to use from now on, where one is issued.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// When the credential or that token stops working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
