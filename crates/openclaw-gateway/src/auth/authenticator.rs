use std::net::IpAddr;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use openclaw_core::{Clock, Secret};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::ScopeSet;

use super::lockout::Lockout;
use super::token::TokenDigest;

/// A caller that is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// The credential's name; runs and idempotency keys belong to it.
    pub name: Arc<str>,
    /// What it may do.
    pub scopes: ScopeSet,
}

impl Principal {
    /// The owner, who has the gateway token or works in the gateway's own process.
    pub fn owner() -> Self {
        Self { name: "owner".into(), scopes: ScopeSet::all() }
    }
}

/// What a caller offers.
#[derive(Debug, Clone)]
pub enum Credential {
    /// From an `Authorization: Bearer` header: a token, an API key or a JWT.
    Bearer(Secret),
    /// The gateway token.
    Token(Secret),
    /// An API key.
    ApiKey(Secret),
    /// An access token.
    Jwt(Secret),
    /// The password.
    Password(Secret),
}

/// Why a credential was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// It is not known.
    #[error("the credential is not known")]
    Unknown,
    /// Too many wrong ones came from this address.
    #[error("too many wrong credentials came from this address")]
    LockedOut {
        /// When another try makes sense.
        retry_after: Duration,
    },
    /// This kind of credential is not taken by this version.
    #[error("{0} are not taken by this version")]
    Unsupported(&'static str),
}

impl From<AuthError> for OpenClawError {
    fn from(error: AuthError) -> Self {
        let text = error.to_string();
        match error {
            AuthError::Unknown => Self::new(ErrorKind::Unauthenticated, text)
                .with_hint("use the gateway token: OPENCLAW_GATEWAY_TOKEN, gateway.auth.token, or the file gateway.token in the state folder"),
            AuthError::LockedOut { retry_after } => Self::new(ErrorKind::RateLimited, text)
                .with_retry_after(retry_after)
                .with_hint("wait five minutes, or use the right token now: it still works"),
            AuthError::Unsupported(_) => Self::new(ErrorKind::Unavailable, text)
                .with_hint("authenticate with the gateway token: {\"token\": \"…\"}"),
        }
    }
}

/// Checks credentials.
#[derive(Debug)]
pub struct Authenticator {
    token: RwLock<TokenDigest>,
    lockout: Lockout,
    clock: Arc<dyn Clock>,
}

impl Authenticator {
    /// One that knows this gateway token.
    pub fn new(token: &Secret, clock: Arc<dyn Clock>) -> Self {
        Self { token: RwLock::new(TokenDigest::of(token)), lockout: Lockout::default(), clock }
    }

    /// Takes another gateway token from the next credential on; whether it is another one.
    pub fn replace_token(&self, token: &Secret) -> bool {
        let fresh = TokenDigest::of(token);
        let mut present = self.token.write().expect("no panic while the token is held");
        let is_other = *present != fresh;
        *present = fresh;
        is_other
    }

    /// Checks a credential from an address. A right token passes a lockout: whoever guesses from the
    /// owner's machine must not lock the owner out.
    ///
    /// # Errors
    /// [`AuthError::Unknown`] counts towards the lockout, [`AuthError::Unsupported`] does not.
    pub fn check(&self, address: IpAddr, credential: &Credential) -> Result<Principal, AuthError> {
        let offered = match credential {
            Credential::Bearer(secret) | Credential::Token(secret) => secret,
            Credential::ApiKey(_) => return Err(AuthError::Unsupported("API keys")),
            Credential::Jwt(_) => return Err(AuthError::Unsupported("access tokens")),
            Credential::Password(_) => return Err(AuthError::Unsupported("passwords")),
        };
        if self.token.read().expect("no panic while the token is held").matches(offered) {
            return Ok(Principal::owner());
        }
        let now = self.clock.now();
        if let Some(retry_after) = self.lockout.remaining(address, now) {
            return Err(AuthError::LockedOut { retry_after });
        }
        self.lockout.mistake(address, now);
        Err(AuthError::Unknown)
    }
}
