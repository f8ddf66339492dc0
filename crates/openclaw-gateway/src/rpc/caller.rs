use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openclaw_config::RateLimitSettings;
use openclaw_core::Timestamp;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::Scope;
use tokio_util::sync::CancellationToken;

use crate::auth::{Authenticator, CallClass, Principal, RateLimiter};
use crate::hub::Client;

/// One connection or HTTP request as methods see it.
#[derive(Debug)]
pub struct Caller {
    /// Where it comes from; loopback for callers in the gateway's own process.
    pub address: IpAddr,
    /// The client to send events to; `None` over HTTP.
    pub client: Option<Arc<Client>>,
    /// Checks what `authenticate` offers.
    pub authenticator: Arc<Authenticator>,
    /// Cancelled when nobody waits for answers any more. What a method has begun to store it
    /// finishes; only its waiting ends.
    pub gone: CancellationToken,
    limiter: Option<Arc<RateLimiter>>,
    principal: Mutex<Option<Principal>>,
    refusal: Mutex<Option<ErrorKind>>,
}

impl Caller {
    /// A caller, signed in already where its request carried a credential.
    pub fn new(
        address: IpAddr,
        client: Option<Arc<Client>>,
        authenticator: Arc<Authenticator>,
        principal: Option<Principal>,
    ) -> Self {
        Self {
            address,
            client,
            authenticator,
            gone: CancellationToken::new(),
            limiter: None,
            principal: Mutex::new(principal),
            refusal: Mutex::default(),
        }
    }

    /// Counts its calls together with others of its credential.
    #[must_use]
    pub fn limited_by(mut self, limiter: Arc<RateLimiter>) -> Self {
        self.limiter = Some(limiter);
        self
    }

    /// Counts its calls together with those of another caller's credential.
    #[must_use]
    pub fn limited_with(mut self, other: &Self) -> Self {
        self.limiter.clone_from(&other.limiter);
        self
    }

    /// Who it is, once it has signed in.
    pub fn principal(&self) -> Option<Principal> {
        self.principal.lock().expect("no panic while the principal is held").clone()
    }

    /// Who it is.
    ///
    /// # Errors
    /// `Unauthenticated` before sign-in, and when its credential was revoked, rotated or expired.
    pub fn signed_in(&self) -> Result<Principal, OpenClawError> {
        let principal = self.principal().ok_or_else(unauthenticated)?;
        if principal.grant.is_over(self.authenticator.now()) {
            let text = "the credential was revoked or has expired";
            return Err(OpenClawError::new(ErrorKind::Unauthenticated, text)
                .with_hint("sign in again with another one"));
        }
        Ok(principal)
    }

    /// The credential's name; empty before sign-in, when no method asks for it.
    pub fn principal_name(&self) -> String {
        self.principal().map(|principal| principal.name.to_string()).unwrap_or_default()
    }

    /// Whether its credential may do everything.
    pub fn is_owner(&self) -> bool {
        self.principal().is_some_and(|principal| principal.scopes.allows(Scope::Admin))
    }

    /// It signed in.
    pub fn sign_in(&self, principal: Principal) {
        *self.principal.lock().expect("no panic while the principal is held") = Some(principal);
    }

    /// Takes one call of its credential's share, or of its address's before sign-in; otherwise says when the next may come.
    pub(super) fn take_turn(
        &self,
        principal: Option<&Principal>,
        class: CallClass,
        settings: RateLimitSettings,
        now: Timestamp,
    ) -> Result<(), Duration> {
        match (&self.limiter, principal) {
            (Some(limiter), Some(principal)) => {
                limiter.take(&principal.name, self.address, class, settings, now)
            }
            (Some(limiter), None) => limiter.take_unknown(self.address, settings, now),
            (None, _) => Ok(()),
        }
    }

    /// A call of it was answered with an error.
    pub(super) fn refused(&self, kind: ErrorKind) {
        let mut refusal = self.refusal.lock().expect("no panic while the refusal is held");
        refusal.get_or_insert(kind);
    }

    /// The first error that a call of it was answered with.
    pub fn refusal(&self) -> Option<ErrorKind> {
        *self.refusal.lock().expect("no panic while the refusal is held")
    }
}

/// What somebody is told who has not signed in.
pub(crate) fn unauthenticated() -> OpenClawError {
    OpenClawError::new(ErrorKind::Unauthenticated, "authentication is required")
        .with_hint("send `Authorization: Bearer <token>`, or call authenticate first")
}
