use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use openclaw_channel_traits::webhook::{SharedSecret, SignatureVerifier, WebhookError};
use openclaw_core::{Clock, Secret, Timestamp};
use sha2::{Digest as _, Sha256};

use super::refused::Refused;
use crate::auth::{Limits, Lockout};

/// A right token passes a lockout, so that few mistakes need not lead to one.
const LIMITS: Limits =
    Limits { mistakes: 20, window: Duration::from_secs(60), locked_for: Duration::from_secs(60) };

const TOKEN: &str = "x-openclaw-token";
const SIGNATURE: &str = "x-openclaw-signature";
const TIMESTAMP: &str = "x-openclaw-timestamp";

/// Lets in hooks that prove where they come from.
#[derive(Debug)]
pub(crate) struct Gate {
    /// By the digest of their secret; each remembers the signatures it has seen.
    verifiers: Mutex<HashMap<[u8; 32], Arc<SignatureVerifier>>>,
    lockout: Lockout,
}

impl Default for Gate {
    fn default() -> Self {
        Self { verifiers: Mutex::default(), lockout: Lockout::new(LIMITS) }
    }
}

/// What a hook has to prove.
#[derive(Debug, Clone)]
pub(super) enum Proof<'a> {
    /// That it knows the token.
    Token(&'a Secret),
    /// That its body was signed, lately and once.
    Signature(&'a Secret),
    /// Nothing can prove it.
    None,
}

/// What of a request proves where it comes from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shown<'a> {
    pub(super) headers: &'a HeaderMap,
    pub(super) body: &'a [u8],
    /// The caller's name for this very request.
    pub(super) key: Option<&'a str>,
}

impl Gate {
    /// Refuses an address that is locked out, before the body that a signature needs is read.
    ///
    /// # Errors
    /// 429.
    pub(super) fn check_lockout(&self, address: IpAddr, now: Timestamp) -> Result<(), Refused> {
        match self.lockout.remaining(address, now) {
            Some(left) => {
                let message = "too many wrong credentials";
                Err(Refused::new(StatusCode::TOO_MANY_REQUESTS, message).after(left))
            }
            None => Ok(()),
        }
    }

    /// Checks the token of a request; where there is none to check, nobody is let in.
    ///
    /// # Errors
    /// 401, and 429 after too many of them.
    pub(super) fn check_token(
        &self,
        token: Option<&Secret>,
        headers: &HeaderMap,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let right = token
            .and_then(|token| SharedSecret::new(token.clone()).ok())
            .ok_or(WebhookError::Missing)
            .and_then(|secret| secret.verify(presented(headers)));
        self.counted(right, address, now)
    }

    /// Checks a request that was read.
    ///
    /// # Errors
    /// As [`Self::check_token`].
    pub(super) fn check(
        &self,
        proof: &Proof<'_>,
        shown: Shown<'_>,
        address: IpAddr,
        clock: &Arc<dyn Clock>,
    ) -> Result<(), Refused> {
        let secret = match proof {
            Proof::Signature(secret) => secret,
            Proof::Token(token) => {
                return self.check_token(Some(token), shown.headers, address, clock.now());
            }
            Proof::None => return self.check_token(None, shown.headers, address, clock.now()),
        };
        let right = self.verifier(secret, clock).and_then(|verifier| {
            let signed_at = text(shown.headers, TIMESTAMP).ok_or(WebhookError::Missing)?;
            let seconds: i64 = signed_at.parse().map_err(|_| WebhookError::Missing)?;
            let millis = seconds.checked_mul(1_000).ok_or(WebhookError::Missing)?;
            let signed = [signed_at.as_bytes(), b".", shown.body];
            let at = Timestamp::from_millis(millis);
            verifier.verify_named(signature(shown.headers), at, &signed, shown.key)
        });
        self.counted(right, address, clock.now())
    }

    /// Lets the signature of a request be used again: nothing came of it.
    pub(super) fn forget(&self, proof: &Proof<'_>, headers: &HeaderMap, clock: &Arc<dyn Clock>) {
        let Proof::Signature(secret) = proof else { return };
        if let (Ok(verifier), Some(signature)) = (self.verifier(secret, clock), signature(headers))
        {
            verifier.forget(signature);
        }
    }

    fn verifier(
        &self,
        secret: &Secret,
        clock: &Arc<dyn Clock>,
    ) -> Result<Arc<SignatureVerifier>, WebhookError> {
        let digest: [u8; 32] = Sha256::digest(secret.expose().as_bytes()).into();
        let mut verifiers = self.verifiers.lock().expect("no panic while the verifiers are held");
        if let Some(verifier) = verifiers.get(&digest) {
            return Ok(verifier.clone());
        }
        let verifier = SignatureVerifier::new(secret.clone(), clock.clone())
            .map_err(|_| WebhookError::Missing)?;
        Ok(verifiers.entry(digest).or_insert(Arc::new(verifier)).clone())
    }

    fn counted(
        &self,
        checked: Result<(), WebhookError>,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let Err(error) = checked else { return Ok(()) };
        tracing::debug!(%address, %error, "a webhook is refused");
        if error == WebhookError::Overloaded {
            let refused = Refused::new(StatusCode::TOO_MANY_REQUESTS, "too many requests");
            return Err(refused.after(LIMITS.window));
        }
        // One that was sent twice was right once.
        if error != WebhookError::Replayed {
            self.check_lockout(address, now)?;
            self.lockout.mistake(address, now);
        }
        Err(Refused::new(StatusCode::UNAUTHORIZED, "the credential is missing or wrong"))
    }
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

fn signature(headers: &HeaderMap) -> Option<&str> {
    text(headers, SIGNATURE).and_then(|text| text.strip_prefix("sha256="))
}

/// The token that a request carries.
fn presented(headers: &HeaderMap) -> Option<&[u8]> {
    if let Some(token) = headers.get(TOKEN) {
        return Some(token.as_bytes());
    }
    let text = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = text.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim().as_bytes())
}
