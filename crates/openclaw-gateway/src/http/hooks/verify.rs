use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderMap, StatusCode};
use openclaw_channel_traits::webhook::{SharedSecret, SignatureVerifier, WebhookError};
use openclaw_core::{Clock, Secret, Timestamp};
use sha2::{Digest as _, Sha256};

use super::refused::Refused;

/// Wrong credentials of one address in a minute; beyond them it waits.
const TRIES: usize = 20;
const WINDOW: Duration = Duration::from_secs(60);
/// Addresses remembered; beyond it all are forgotten, which costs an attacker that many addresses.
const ADDRESSES: usize = 10_000;

const TOKEN: &str = "x-openclaw-token";
const SIGNATURE: &str = "x-openclaw-signature";
const TIMESTAMP: &str = "x-openclaw-timestamp";

/// Lets in hooks that prove where they come from.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    /// By the digest of their secret; each remembers the signatures it has seen.
    verifiers: Mutex<HashMap<[u8; 32], Arc<SignatureVerifier>>>,
    wrong: Mutex<HashMap<IpAddr, VecDeque<Timestamp>>>,
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

impl Gate {
    /// Checks a request before its body is read; a signature needs the body.
    ///
    /// # Errors
    /// 401, and 429 after too many of them.
    pub(super) fn check_head(
        &self,
        proof: &Proof<'_>,
        headers: &HeaderMap,
        address: IpAddr,
        now: Timestamp,
    ) -> Result<(), Refused> {
        match proof {
            Proof::Signature(_) => Ok(()),
            Proof::Token(token) => {
                let right = SharedSecret::new((*token).clone())
                    .map_err(|_| WebhookError::Missing)
                    .and_then(|secret| secret.verify(presented(headers)));
                self.counted(right, address, now)
            }
            Proof::None => self.counted(Err(WebhookError::Missing), address, now),
        }
    }

    /// Checks the signature of a body, where one is asked for.
    ///
    /// # Errors
    /// As [`Self::check_head`].
    pub(super) fn check_body(
        &self,
        proof: &Proof<'_>,
        headers: &HeaderMap,
        body: &[u8],
        address: IpAddr,
        clock: &Arc<dyn Clock>,
    ) -> Result<(), Refused> {
        let Proof::Signature(secret) = proof else { return Ok(()) };
        let right = self.verifier(secret, clock).and_then(|verifier| {
            let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
            let signed_at = text(TIMESTAMP).ok_or(WebhookError::Missing)?;
            let seconds: i64 = signed_at.parse().map_err(|_| WebhookError::Missing)?;
            let millis = seconds.checked_mul(1_000).ok_or(WebhookError::Missing)?;
            let signature = text(SIGNATURE).and_then(|text| text.strip_prefix("sha256="));
            let signed = [signed_at.as_bytes(), b".", body];
            verifier.verify(signature, Timestamp::from_millis(millis), &signed)
        });
        self.counted(right, address, clock.now())
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
            return Err(refused.after(WINDOW));
        }
        let mut wrong = self.wrong.lock().expect("no panic while the addresses are held");
        if wrong.len() >= ADDRESSES && !wrong.contains_key(&address) {
            wrong.clear();
        }
        let tries = wrong.entry(address).or_default();
        while tries.front().is_some_and(|at| now.since(*at) >= WINDOW) {
            tries.pop_front();
        }
        if tries.len() >= TRIES {
            let refused = Refused::new(StatusCode::TOO_MANY_REQUESTS, "too many wrong credentials");
            return Err(refused.after(WINDOW));
        }
        tries.push_back(now);
        Err(Refused::new(StatusCode::UNAUTHORIZED, "the credential is missing or wrong"))
    }
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
