use http::Request;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::Scope;

use crate::auth::{CallClass, Principal};
use crate::server::{Peer, Shared};

/// Who asks, where its credential grants the scope.
///
/// # Errors
/// `Unauthenticated`, `RateLimited` after too many wrong credentials, `Forbidden`.
pub(super) fn sign_in<B>(
    shared: &Shared,
    peer: &Peer,
    request: &Request<B>,
    scope: Scope,
) -> Result<Principal, OpenClawError> {
    let principal = shared.principal(peer, request)?.ok_or_else(|| {
        OpenClawError::new(ErrorKind::Unauthenticated, "no credential was given")
            .with_hint("send the gateway token or an API key as Authorization: Bearer")
    })?;
    if principal.scopes.allows(scope) {
        return Ok(principal);
    }
    Err(OpenClawError::new(ErrorKind::Forbidden, format!("this credential does not grant {scope}")))
}

/// Takes one call of the credential's share.
///
/// # Errors
/// `RateLimited` with when the next may come.
pub(super) fn take_turn(
    shared: &Shared,
    peer: &Peer,
    principal: &Principal,
    class: CallClass,
) -> Result<(), OpenClawError> {
    shared.take_turn(peer, principal, class).map_err(|after| {
        OpenClawError::new(ErrorKind::RateLimited, "too many requests with this credential")
            .with_retry_after(after)
    })
}
