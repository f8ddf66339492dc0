//! Whether a request comes from the service: a shared secret, or a signature over its raw body.
//!
//! Signatures carry a time; those outside the window are refused, and one that was seen within it is
//! refused too. A secret is never empty: an empty one would let everybody in.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use openclaw_core::{Clock, Secret, Timestamp};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// How far a signature's time may be off.
pub const WINDOW: Duration = Duration::from_secs(300);
/// The most signatures that are remembered; a flood beyond it is refused, not let through.
const MAX_REMEMBERED: usize = 10_000;

/// Why a request is refused. The caller tells the peer nothing but that it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// The secret or signature is missing, or has not the form of one.
    #[error("the credential is missing or malformed")]
    Missing,
    /// It is another one.
    #[error("the credential does not match")]
    Mismatch,
    /// Signed too long ago, or for a time that has not come.
    #[error("the signature's time is outside the window")]
    Expired,
    /// It was seen before.
    #[error("the signature was used before")]
    Replayed,
    /// Too many valid requests to remember within the window.
    #[error("too many signed requests at a time")]
    Overloaded,
}

/// A secret that is empty.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the secret of a webhook must not be empty")]
pub struct EmptySecret;

/// A shared secret that the service sends along.
#[derive(Debug, Clone)]
pub struct SharedSecret(Secret);

impl SharedSecret {
    /// Takes the secret.
    ///
    /// # Errors
    /// When it is empty.
    pub fn new(secret: Secret) -> Result<Self, EmptySecret> {
        if secret.is_empty() { Err(EmptySecret) } else { Ok(Self(secret)) }
    }

    /// Compares in constant time, whatever the lengths.
    ///
    /// # Errors
    /// When the presented value is missing or another one.
    pub fn verify(&self, presented: Option<&[u8]>) -> Result<(), WebhookError> {
        let presented = presented.filter(|value| !value.is_empty()).ok_or(WebhookError::Missing)?;
        // Digests have one length, so the comparison does not tell that of the secret.
        let (ours, theirs) = (Sha256::digest(self.0.expose()), Sha256::digest(presented));
        if bool::from(ours.ct_eq(&theirs)) { Ok(()) } else { Err(WebhookError::Mismatch) }
    }
}

/// Verifies HMAC-SHA256 signatures with a time, each of them once.
#[derive(Debug)]
pub struct SignatureVerifier {
    secret: Secret,
    clock: Arc<dyn Clock>,
    window: Duration,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    /// With the digest of the name of the request that each came with first.
    signatures: HashMap<[u8; 32], Option<[u8; 32]>>,
    /// In the order in which they came, with the moment until which they could be used again.
    order: VecDeque<(Timestamp, [u8; 32])>,
}

impl SignatureVerifier {
    /// A verifier with the usual window.
    ///
    /// # Errors
    /// When the secret is empty.
    pub fn new(secret: Secret, clock: Arc<dyn Clock>) -> Result<Self, EmptySecret> {
        if secret.is_empty() {
            return Err(EmptySecret);
        }
        Ok(Self { secret, clock, window: WINDOW, seen: Mutex::default() })
    }

    /// Verifies a signature over `signed`, the parts that the service signs one after the other, the
    /// raw body among them and the time in the form it was sent.
    ///
    /// # Errors
    /// When the signature is malformed, another one, too old or was used before.
    pub fn verify(
        &self,
        signature_hex: Option<&str>,
        signed_at: Timestamp,
        signed: &[&[u8]],
    ) -> Result<(), WebhookError> {
        self.verify_named(signature_hex, signed_at, signed, None)
    }

    /// As [`Self::verify`]; a request that its caller has given a name may come again under the same
    /// one, for which it is answered once.
    ///
    /// # Errors
    /// As [`Self::verify`].
    pub fn verify_named(
        &self,
        signature_hex: Option<&str>,
        signed_at: Timestamp,
        signed: &[&[u8]],
        name: Option<&str>,
    ) -> Result<(), WebhookError> {
        let signature = decode(signature_hex).ok_or(WebhookError::Missing)?;
        let now = self.clock.now();
        if now.since(signed_at).max(signed_at.since(now)) > self.window {
            return Err(WebhookError::Expired);
        }
        let mut mac = Hmac::<Sha256>::new_from_slice(self.secret.expose().as_bytes())
            .expect("HMAC takes keys of every length");
        for part in signed {
            mac.update(part);
        }
        // Compares in constant time.
        mac.verify_slice(&signature).map_err(|_| WebhookError::Mismatch)?;
        self.remember(signature, name.map(|name| Sha256::digest(name).into()), signed_at, now)
    }

    /// Lets a signature be used again: nothing came of the request that it was used for.
    pub fn forget(&self, signature_hex: &str) {
        let Some(signature) = decode(Some(signature_hex)) else { return };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.signatures.remove(&signature).is_some() {
            seen.order.retain(|(_, other)| *other != signature);
        }
    }

    fn remember(
        &self,
        signature: [u8; 32],
        name: Option<[u8; 32]>,
        signed_at: Timestamp,
        now: Timestamp,
    ) -> Result<(), WebhookError> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        while seen.order.front().is_some_and(|(until, _)| *until < now) {
            if let Some((_, old)) = seen.order.pop_front() {
                seen.signatures.remove(&old);
            }
        }
        if let Some(first) = seen.signatures.get(&signature) {
            let is_same = name.is_some() && *first == name;
            return if is_same { Ok(()) } else { Err(WebhookError::Replayed) };
        }
        if seen.signatures.len() >= MAX_REMEMBERED {
            return Err(WebhookError::Overloaded);
        }
        seen.signatures.insert(signature, name);
        // At least until the signature's own time is outside the window.
        let until = signed_at.max(now).plus(self.window);
        seen.order.push_back((until, signature));
        Ok(())
    }
}

fn decode(signature_hex: Option<&str>) -> Option<[u8; 32]> {
    let mut signature = [0; 32];
    hex::decode_to_slice(signature_hex?, &mut signature).ok()?;
    Some(signature)
}

#[cfg(test)]
mod tests {
    use openclaw_testkit::ManualClock;

    use super::*;

    fn sign(secret: &str, parts: &[&[u8]]) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        parts.iter().for_each(|part| mac.update(part));
        hex::encode(mac.finalize().into_bytes())
    }

    fn verifier() -> (SignatureVerifier, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::default());
        (SignatureVerifier::new(Secret::new("s3cret"), Arc::clone(&clock) as _).unwrap(), clock)
    }

    #[test]
    fn signatures_are_those_of_the_standard() {
        // RFC 4231, test case 2.
        assert_eq!(
            sign("Jefe", &[b"what do ya want ", b"for nothing?"]),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }

    #[test]
    fn empty_secrets_are_refused() {
        assert!(SharedSecret::new(Secret::new("")).is_err());
        let clock = Arc::new(ManualClock::default());
        assert!(SignatureVerifier::new(Secret::new(""), clock).is_err());
    }

    #[test]
    fn shared_secrets_match_as_a_whole() {
        let secret = SharedSecret::new(Secret::new("s3cret")).unwrap();
        assert_eq!(secret.verify(Some(b"s3cret")), Ok(()));
        assert_eq!(secret.verify(None), Err(WebhookError::Missing));
        assert_eq!(secret.verify(Some(b"")), Err(WebhookError::Missing));
        for wrong in [&b"s3cre"[..], b"s3crett", b"S3cret", b"s3cret\0"] {
            assert_eq!(secret.verify(Some(wrong)), Err(WebhookError::Mismatch));
        }
        assert_eq!(format!("{secret:?}"), "SharedSecret(Secret(***))");
    }

    #[test]
    fn signatures_hold_for_their_body_and_time_alone() {
        let (verifier, clock) = verifier();
        let (now, body) = (clock.now(), &b"{\"a\": 1}"[..]);
        let signature = sign("s3cret", &[b"1:", body]);
        let verify =
            |signature: &str, body: &[u8]| verifier.verify(Some(signature), now, &[b"1:", body]);
        assert_eq!(verify(&sign("other", &[b"1:", body]), body), Err(WebhookError::Mismatch));
        assert_eq!(verify(&signature, b"{\"a\":1}"), Err(WebhookError::Mismatch));
        assert_eq!(verify(&signature[2..], body), Err(WebhookError::Missing));
        assert_eq!(verify("", body), Err(WebhookError::Missing));
        assert_eq!(verifier.verify(None, now, &[body]), Err(WebhookError::Missing));
        assert_eq!(verify(&signature, body), Ok(()));
    }

    #[test]
    fn old_future_and_used_signatures_are_refused() {
        let (verifier, clock) = verifier();
        let signed_at = clock.now();
        let signature = sign("s3cret", &[b"body"]);
        let verify = |at| verifier.verify(Some(&signature), at, &[b"body"]);
        let off = WINDOW + Duration::from_millis(1);
        assert_eq!(verify(signed_at.minus(off)), Err(WebhookError::Expired));
        assert_eq!(verify(signed_at.plus(off)), Err(WebhookError::Expired));
        assert_eq!(verify(signed_at), Ok(()));
        assert_eq!(verify(signed_at), Err(WebhookError::Replayed));
        clock.advance(WINDOW);
        assert_eq!(verify(signed_at), Err(WebhookError::Replayed));
        clock.advance(Duration::from_millis(1));
        assert_eq!(verify(signed_at), Err(WebhookError::Expired));
    }

    #[test]
    fn a_named_request_may_come_again_and_one_without_outcome_too() {
        let (verifier, clock) = verifier();
        let signature = sign("s3cret", &[b"body"]);
        let verify = |name| verifier.verify_named(Some(&signature), clock.now(), &[b"body"], name);
        assert_eq!(verify(Some("a")), Ok(()));
        assert_eq!(verify(Some("a")), Ok(()));
        assert_eq!(verify(Some("b")), Err(WebhookError::Replayed));
        assert_eq!(verify(None), Err(WebhookError::Replayed));
        verifier.forget(&signature);
        assert_eq!(verify(None), Ok(()));
        assert_eq!(verify(None), Err(WebhookError::Replayed));
        assert_eq!(verify(Some("a")), Err(WebhookError::Replayed));
    }

    #[test]
    fn what_is_remembered_is_bounded_and_forgotten_in_time() {
        let (verifier, clock) = verifier();
        let verify = |index: u32| {
            let body = index.to_be_bytes();
            verifier.verify(Some(&sign("s3cret", &[&body])), clock.now(), &[&body])
        };
        let limit = u32::try_from(MAX_REMEMBERED).unwrap();
        assert!((0..limit).all(|index| verify(index) == Ok(())));
        assert_eq!(verify(limit), Err(WebhookError::Overloaded));
        clock.advance(WINDOW + Duration::from_millis(1));
        assert_eq!(verify(limit), Ok(()));
        assert_eq!(verifier.seen.lock().unwrap().signatures.len(), 1);
    }
}
