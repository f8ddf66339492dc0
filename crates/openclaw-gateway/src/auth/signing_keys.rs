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
            Err(openclaw_storage::ApplyError::Conflict(_)) => return self.refresh().await,
            Err(error) => return Err(error.into()),
        }
        self.hold(Held { keys: read(&text)?, stored: Some(text) });
        Ok(())
    }

    /// What a token says, if one of the keys signed it and was not followed too long ago.
    pub(super) fn verify(&self, text: &str) -> Option<Claims> {
        let token = Unverified::parse(text)?;
        let held = self.held();
        let key = held.keys.iter().find(|key| key.stored.kid == token.kid)?;
        token.verify(key.pair.public_key().as_ref())
    }

    /// The public keys, as RFC 7517 and RFC 8037 have them.
    pub(super) fn public_keys(&self) -> Value {
        let held = self.held();
        let keys: Vec<Value> = held
            .keys
            .iter()
            .map(|key| {
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
