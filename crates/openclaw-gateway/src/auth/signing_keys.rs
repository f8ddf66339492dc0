use std::sync::{Arc, RwLock};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openclaw_core::{Clock, Rng, Timestamp};
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::SigningKey;
use openclaw_storage::{Batch, Storage, Write};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::api_key::random;
use super::jwt::{self, Claims, Unverified};

const VALUE: &str = "auth.signing_keys";
/// How long an access token works.
pub(super) const TOKEN_LIFE: Duration = Duration::from_secs(3_600);
/// A key that has signed for so long is followed by another.
const KEY_LIFE: Duration = Duration::from_secs(30 * 24 * 3_600);

#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct StoredKey {
    kid: String,
    /// 32 bytes, base64url.
    seed: String,
    created_at: Timestamp,
}

/// A key in memory.
struct HeldKey {
    stored: StoredKey,
    pair: Ed25519KeyPair,
}

/// The keys that sign access tokens, newest first: the first one signs, the others are only for
/// reading what they signed until it expires.
pub(super) struct SigningKeys {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    held: RwLock<Arc<Held>>,
    changing: Mutex<()>,
}

#[derive(Default)]
struct Held {
    keys: Vec<HeldKey>,
    /// As they stand in the store.
    stored: Option<String>,
}

impl Held {
    /// The keys that count, each with the moment when it stops: a token's life after another key
    /// followed it. What it signed before then has expired; what it signs later is forged.
    fn counting(&self, now: Timestamp) -> impl Iterator<Item = (&HeldKey, Option<Timestamp>)> {
        let followers = std::iter::once(None).chain(self.keys.iter().map(Some));
        self.keys.iter().zip(followers).filter_map(move |(key, follower)| {
            let until = follower.map(|follower| follower.stored.created_at.plus(TOKEN_LIFE));
            until.is_none_or(|until| until > now).then_some((key, until))
        })
    }
}

impl std::fmt::Debug for SigningKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SigningKeys").field("keys", &self.held().keys.len()).finish_non_exhaustive()
    }
}

impl SigningKeys {
    pub(super) fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { storage, clock, rng, held: RwLock::default(), changing: Mutex::default() }
    }

    fn held(&self) -> Arc<Held> {
        self.held.read().expect("no panic while the keys are held").clone()
    }

    /// Takes what the store holds.
    pub(super) async fn refresh(&self) -> Result<(), OpenClawError> {
        // What was read before a change must not take its place.
        let _one_at_a_time = self.changing.lock().await;
        self.refresh_held().await
    }

    /// [`Self::refresh`], for who holds `changing`.
    async fn refresh_held(&self) -> Result<(), OpenClawError> {
        let stored = self.storage.value(VALUE).await?;
        if self.held().stored != stored {
            let keys = stored.as_deref().map(read).transpose()?.unwrap_or_default();
            self.hold(Held { keys, stored });
        }
        Ok(())
    }

    fn hold(&self, held: Held) {
        *self.held.write().expect("no panic while the keys are held") = Arc::new(held);
    }

    /// Signs with the newest key, which is made when there is none or it is too old.
    pub(super) async fn sign(&self, claims: &Claims) -> Result<String, OpenClawError> {
        let now = self.clock.now();
        let is_due = |held: &Held| {
            held.keys.first().is_none_or(|key| now.since(key.stored.created_at) >= KEY_LIFE)
        };
        if is_due(&self.held()) {
            let _one_at_a_time = self.changing.lock().await;
            if is_due(&self.held()) {
                self.add().await?;
            }
        }
        let held = self.held();
        let newest = held.keys.first();
        let newest = newest.ok_or_else(|| OpenClawError::internal("there is no signing key"))?;
        jwt::sign(&newest.stored.kid, &newest.pair, claims).map_err(|error| {
            OpenClawError::internal("a token cannot be written").with_source(error)
        })
    }

    /// Signs with a new key from now on.
    pub(super) async fn rotate(&self) -> Result<SigningKey, OpenClawError> {
        let _one_at_a_time = self.changing.lock().await;
        let had_one = !self.held().keys.is_empty();
        self.add().await?;
        let held = self.held();
        let newest = held.keys.first();
        let newest = newest.ok_or_else(|| OpenClawError::internal("there is no signing key"))?;
        let created_at = newest.stored.created_at;
        Ok(SigningKey {
            id: newest.stored.kid.clone(),
            created_at,
            earlier_until: had_one.then(|| created_at.plus(TOKEN_LIFE)),
        })
    }

    async fn add(&self) -> Result<(), OpenClawError> {
        let (now, before) = (self.clock.now(), self.held());
        let fresh = StoredKey {
            kid: hex::encode(random::<8>(self.rng.as_ref())),
            seed: URL_SAFE_NO_PAD.encode(random::<32>(self.rng.as_ref())),
            created_at: now,
        };
        let mut stored = vec![fresh];
        let mut followed_at = now;
        for key in &before.keys {
            // The one after it began when it stopped signing.
            if now.since(followed_at) < TOKEN_LIFE {
                stored.push(key.stored.clone());
            }
            followed_at = key.stored.created_at;
        }
        let text = serde_json::to_string(&stored).map_err(|error| {
            OpenClawError::internal("signing keys cannot be written").with_source(error)
        })?;
        let write = Write::PutValue {
            key: VALUE.to_owned(),
            value: text.clone(),
            expect: Some(before.stored.clone()),
        };
        match self.storage.apply(Batch::new().with(write)).await {
            Ok(_) => {}
            // Another gateway on this store was faster: its key is as good.
            Err(openclaw_storage::ApplyError::Conflict(_)) => return self.refresh_held().await,
            Err(error) => return Err(error.into()),
        }
        self.hold(Held { keys: read(&text)?, stored: Some(text) });
        Ok(())
    }

    /// What a token says, if one of the keys signed it and was not followed too long ago; and until
    /// when that key counts.
    pub(super) fn verify(&self, text: &str) -> Option<(Claims, Option<Timestamp>)> {
        let token = Unverified::parse(text)?;
        let (held, now) = (self.held(), self.clock.now());
        let (key, until) = held.counting(now).find(|(key, _)| key.stored.kid == token.kid)?;
        Some((token.verify(key.pair.public_key().as_ref())?, until))
    }

    /// The public keys, as RFC 7517 and RFC 8037 have them.
    pub(super) fn public_keys(&self) -> Value {
        let held = self.held();
        let keys: Vec<Value> = held
            .counting(self.clock.now())
            .map(|(key, _)| {
                let x = URL_SAFE_NO_PAD.encode(key.pair.public_key());
                json!({"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": key.stored.kid, "x": x})
            })
            .collect();
        json!({ "keys": keys })
    }
}

fn read(text: &str) -> Result<Vec<HeldKey>, OpenClawError> {
    let bad = |error: Box<dyn std::error::Error + Send + Sync>| {
        OpenClawError::new(
            openclaw_errors::ErrorKind::Database,
            "the signing keys in the store cannot be read",
        )
        .with_source(error)
    };
    let stored: Vec<StoredKey> = serde_json::from_str(text).map_err(|error| bad(error.into()))?;
    stored
        .into_iter()
        .map(|stored| {
            let seed = URL_SAFE_NO_PAD.decode(&stored.seed).map_err(|error| bad(error.into()))?;
            let pair = Ed25519KeyPair::from_seed_unchecked(&seed)
                .map_err(|error| bad(error.to_string().into()))?;
            Ok(HeldKey { stored, pair })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{KEY_LIFE, SigningKeys, TOKEN_LIFE};
    use crate::auth::jwt::{Claims, ISSUER};
    use openclaw_core::{Clock as _, SystemRng};
    use openclaw_protocol::ScopeSet;
    use openclaw_storage::memory::MemoryStorage;
    use openclaw_storage::{NoObserver, Storage};
    use openclaw_testkit::ManualClock;
    use std::sync::Arc;
    use std::time::Duration;

    const A_MOMENT: Duration = Duration::from_millis(1);

    fn store(clock: &Arc<ManualClock>) -> Arc<dyn Storage> {
        Arc::new(MemoryStorage::new(clock.clone(), Arc::new(NoObserver)))
    }

    fn keys(storage: &Arc<dyn Storage>, clock: &Arc<ManualClock>) -> SigningKeys {
        SigningKeys::new(storage.clone(), clock.clone(), Arc::new(SystemRng))
    }

    fn claims() -> Claims {
        Claims {
            iss: ISSUER.to_owned(),
            sub: "owner".to_owned(),
            cred: "password:1".to_owned(),
            scopes: ScopeSet::all(),
            iat: 0,
            exp: i64::MAX,
            jti: "x".to_owned(),
        }
    }

    fn shown(keys: &SigningKeys) -> usize {
        keys.public_keys()["keys"].as_array().map_or(0, Vec::len)
    }

    #[tokio::test]
    async fn a_key_that_was_followed_counts_as_long_as_a_token_lives() {
        let clock = Arc::new(ManualClock::default());
        let storage = store(&clock);
        let keys = keys(&storage, &clock);
        let token = keys.sign(&claims()).await.expect("signs");
        assert_eq!(keys.verify(&token), Some((claims(), None)));
        clock.advance(KEY_LIFE - A_MOMENT);
        assert!(keys.verify(&token).is_some(), "nothing has followed it");
        keys.rotate().await.expect("rotates");
        let until = clock.now().plus(TOKEN_LIFE);
        clock.advance(TOKEN_LIFE - A_MOMENT);
        assert_eq!(keys.verify(&token), Some((claims(), Some(until))));
        assert_eq!(shown(&keys), 2);
        clock.advance(A_MOMENT);
        assert_eq!(keys.verify(&token), None);
        assert_eq!(shown(&keys), 1);
    }

    #[tokio::test]
    async fn keys_that_another_gateway_adds_are_found_by_a_refresh() {
        let clock = Arc::new(ManualClock::default());
        let storage = store(&clock);
        let (one, other) = (keys(&storage, &clock), keys(&storage, &clock));
        let token = one.sign(&claims()).await.expect("signs");
        assert_eq!(other.verify(&token), None);
        // It knows of no key and makes one; the other's was there before.
        let theirs = other.sign(&claims()).await.expect("signs");
        assert_eq!(other.verify(&token), one.verify(&theirs));
        assert!(one.verify(&theirs).is_some());
        one.rotate().await.expect("rotates");
        other.refresh().await.expect("reads");
        assert_eq!((shown(&one), shown(&other)), (2, 2));
    }

    #[tokio::test]
    async fn a_refresh_waits_for_a_change() {
        let clock = Arc::new(ManualClock::default());
        let storage = store(&clock);
        let keys = keys(&storage, &clock);
        let changing = keys.changing.lock().await;
        let refresh = keys.refresh();
        tokio::pin!(refresh);
        assert!(futures_util::poll!(&mut refresh).is_pending());
        drop(changing);
        refresh.await.expect("reads");
    }
}
