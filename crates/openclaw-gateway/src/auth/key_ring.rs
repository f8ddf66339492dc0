use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use openclaw_core::{Clock, Rng, Secret, Timestamp};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::ScopeSet;
use openclaw_protocol::methods::{ApiKey, IssuedKey};
use openclaw_storage::{ApplyError, Batch, Conflict, Storage, Write};
use tokio::sync::Mutex;

use super::api_key::{KeyRecord, fresh_id, fresh_key, id_of};
use super::credentials::may_grant;
use super::digest::SecretDigest;
use super::{AuthError, Grant, Principal};

/// Values of the store that hold one key each.
const PREFIX: &str = "auth.key.";
/// Keys that may live at a time.
const MOST: usize = 1_000;
const LONGEST_NAME: usize = 64;
/// The longest life of a key that expires at all: a hundred years.
const LONGEST_LIFE: Duration = Duration::from_secs(100 * 365 * 86_400);
/// How often a change is tried against other gateways.
const TRIES: u32 = 8;

/// What a new API key is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKey {
    /// What it is called.
    pub name: String,
    /// What it may do.
    pub scopes: ScopeSet,
    /// For how long it works.
    pub expires_in: Option<Duration>,
}

/// The API keys: kept in the store, checked in memory.
#[derive(Debug)]
pub(super) struct KeyRing {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    keys: RwLock<BTreeMap<String, Arc<HeldKey>>>,
    /// One change at a time: each is stored before it counts.
    changing: Mutex<()>,
}

/// A key in memory.
#[derive(Debug)]
struct HeldKey {
    record: KeyRecord,
    /// As it stands in the store.
    stored: String,
    grant: Grant,
    last_used: AtomicI64,
}

impl HeldKey {
    fn new(record: KeyRecord, stored: String) -> Self {
        let last_used = record.last_used_at.map_or(0, Timestamp::as_millis);
        let grant = Grant::until(record.expires_at);
        Self { record, stored, grant, last_used: AtomicI64::new(last_used) }
    }

    /// The record with the last use as memory knows it.
    fn current(&self) -> KeyRecord {
        let last_used = self.last_used.load(Ordering::Relaxed);
        let mut record = self.record.clone();
        record.last_used_at = (last_used > 0).then(|| Timestamp::from_millis(last_used));
        record
    }

    fn principal(&self, id: &str, scopes: ScopeSet, grant: Grant) -> Principal {
        Principal::new(format!("key:{id}"), scopes.bounded_by(self.record.scopes), grant)
    }
}

impl KeyRing {
    pub(super) fn new(storage: Arc<dyn Storage>, clock: Arc<dyn Clock>, rng: Arc<dyn Rng>) -> Self {
        Self { storage, clock, rng, keys: RwLock::default(), changing: Mutex::default() }
    }

    /// Takes what the store holds. Whether a key that was held is gone or another now.
    pub(super) async fn refresh(&self) -> Result<bool, OpenClawError> {
        let _one_at_a_time = self.changing.lock().await;
        self.refresh_held().await
    }

    /// [`Self::refresh`], for who holds `changing`.
    async fn refresh_held(&self) -> Result<bool, OpenClawError> {
        let values = self.storage.values(PREFIX).await?;
        let mut held = self.write();
        let mut fresh = BTreeMap::new();
        let mut has_ended = false;
        for (name, stored) in values {
            let id = name[PREFIX.len()..].to_owned();
            let known = held.remove(&id);
            if let Some(known) = known.as_ref().filter(|known| known.stored == stored) {
                fresh.insert(id, known.clone());
                continue;
            }
            let record: KeyRecord = match serde_json::from_str(&stored) {
                Ok(record) => record,
                Err(error) => {
                    // Nobody can sign in with what cannot be read.
                    tracing::error!(%error, id, "an API key in the store cannot be read");
                    if let Some(known) = known {
                        known.grant.end();
                        has_ended = true;
                    }
                    continue;
                }
            };
            let key = match known {
                Some(known) if is_same_credential(&known.record, &record) => {
                    let key =
                        HeldKey { grant: known.grant.clone(), ..HeldKey::new(record, stored) };
                    key.last_used
                        .fetch_max(known.last_used.load(Ordering::Relaxed), Ordering::Relaxed);
                    key
                }
                Some(known) => {
                    known.grant.end();
                    has_ended = true;
                    HeldKey::new(record, stored)
                }
                None => HeldKey::new(record, stored),
            };
            fresh.insert(id, Arc::new(key));
        }
        has_ended |= !held.is_empty();
        held.values().for_each(|gone| gone.grant.end());
        *held = fresh;
        Ok(has_ended)
    }

    /// Checks a key as a caller gave it. With the generation that was checked, for an access token of
    /// it.
    pub(super) fn check(&self, offered: &Secret) -> Result<(Principal, u32), AuthError> {
        let id = id_of(offered.expose()).ok_or(AuthError::Unknown)?;
        let key = self.get(id).ok_or(AuthError::Unknown)?;
        if !key.record.secret().is_some_and(|digest| digest.matches(offered)) {
            let was_rotated = key.record.was(offered);
            return Err(if was_rotated {
                AuthError::Over("been rotated")
            } else {
                AuthError::Unknown
            });
        }
        let now = self.clock.now();
        if key.record.revoked_at.is_some() {
            return Err(AuthError::Over("been revoked"));
        }
        if key.grant.is_over(now) {
            return Err(AuthError::Over("expired"));
        }
        key.last_used.fetch_max(now.as_millis(), Ordering::Relaxed);
        let principal = key.principal(id, key.record.scopes, key.grant.clone());
        Ok((principal, key.record.generation))
    }

    /// Who an access token of a key stands for, as long as that key is what it was.
    pub(super) fn by_token(
        &self,
        id: &str,
        generation: u32,
        scopes: ScopeSet,
        expires_at: Timestamp,
    ) -> Result<Principal, AuthError> {
        let key = self.get(id).ok_or(AuthError::Over("been revoked"))?;
        if key.record.revoked_at.is_some() {
            return Err(AuthError::Over("been revoked"));
        }
        if key.record.generation != generation {
            return Err(AuthError::Over("been rotated"));
        }
        Ok(key.principal(id, scopes, key.grant.within(Some(expires_at))))
    }

    /// Notes a use that was not a check of the key itself.
    pub(super) fn used(&self, principal: &str) {
        let key = principal.strip_prefix("key:").and_then(|id| self.get(id));
        if let Some(key) = key {
            key.last_used.fetch_max(self.clock.now().as_millis(), Ordering::Relaxed);
        }
    }

    pub(super) fn has_live(&self) -> bool {
        let now = self.clock.now();
        self.read().values().any(|key| key.record.is_live(now))
    }

    pub(super) fn list(&self) -> Vec<ApiKey> {
        let mut keys: Vec<ApiKey> =
            self.read().iter().map(|(id, key)| key.current().describe(id)).collect();
        keys.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        keys
    }

    pub(super) async fn create(&self, new: NewKey, by: &str) -> Result<IssuedKey, OpenClawError> {
        let _one_at_a_time = self.changing.lock().await;
        let now = self.clock.now();
        self.may_create(&new, now)?;
        let id = fresh_id(self.rng.as_ref());
        let key = fresh_key(&id, self.rng.as_ref());
        let record = KeyRecord {
            name: new.name,
            digest: SecretDigest::of(&key).to_hex(),
            former_digest: None,
            scopes: new.scopes,
            created_by: by.to_owned(),
            created_at: now,
            expires_at: new.expires_in.map(|time| now.plus(time)),
            revoked_at: None,
            last_used_at: None,
            generation: 0,
        };
        let info = record.describe(&id);
        self.put(&id, record, None).await?;
        Ok(IssuedKey { key: key.expose().to_owned(), info })
    }

    fn may_create(&self, new: &NewKey, now: Timestamp) -> Result<(), OpenClawError> {
        let length = new.name.chars().count();
        if length == 0 || length > LONGEST_NAME || new.name.chars().any(char::is_control) {
            let text = format!("a name has 1 to {LONGEST_NAME} characters, none of them a control");
            return Err(OpenClawError::invalid_params("name", text));
        }
        if new.scopes == ScopeSet::NONE {
            return Err(OpenClawError::invalid_params("scopes", "a key needs at least one scope"));
        }
        if new.expires_in.is_some_and(|time| time.is_zero()) {
            let text = "a key that expires at once is of no use";
            return Err(OpenClawError::invalid_params("expires_in_ms", text));
        }
        if new.expires_in.is_some_and(|time| time > LONGEST_LIFE) {
            let text = "a key that expires does so within a hundred years";
            return Err(OpenClawError::invalid_params("expires_in_ms", text));
        }
        let held = self.read();
        let mut live = held.values().filter(|key| key.record.is_live(now));
        if live.clone().count() >= MOST {
            return Err(OpenClawError::conflict(format!("there are {MOST} live keys already"))
                .with_hint("revoke those that are not used: `openclaw keys list`"));
        }
        if live.any(|key| key.record.name == new.name) {
            let text = format!("a live key is called {:?} already", new.name);
            return Err(OpenClawError::conflict(text).with_field("name"));
        }
        Ok(())
    }

    pub(super) async fn revoke(&self, named: &str) -> Result<ApiKey, OpenClawError> {
        self.change(named, |id, key| {
            let mut record = key.current();
            // A key that is revoked already stays as it was.
            record.revoked_at = record.revoked_at.or_else(|| Some(self.clock.now()));
            let info = record.describe(id);
            Ok((record, info))
        })
        .await
    }

    pub(super) async fn rotate(
        &self,
        named: &str,
        by: &Principal,
    ) -> Result<IssuedKey, OpenClawError> {
        self.change(named, |id, held| {
            may_grant(by, held.record.scopes)?;
            if !held.record.is_live(self.clock.now()) {
                return Err(OpenClawError::conflict("the key is revoked or has expired")
                    .with_hint("make another one: `openclaw keys create`"));
            }
            let key = fresh_key(id, self.rng.as_ref());
            let mut record = held.current();
            let former = std::mem::replace(&mut record.digest, SecretDigest::of(&key).to_hex());
            record.former_digest = Some(former);
            record.generation = record.generation.saturating_add(1);
            let info = record.describe(id);
            Ok((record, IssuedKey { key: key.expose().to_owned(), info }))
        })
        .await
    }

    /// Changes a key against what stands in the store: another gateway may have been there before.
    async fn change<T>(
        &self,
        named: &str,
        change: impl Fn(&str, &HeldKey) -> Result<(KeyRecord, T), OpenClawError> + Send + Sync,
    ) -> Result<T, OpenClawError> {
        let _one_at_a_time = self.changing.lock().await;
        for _ in 0..TRIES {
            let (id, held) = self.named(named)?;
            let (record, answer) = change(&id, &held)?;
            match self.put(&id, record, Some(&held)).await {
                Ok(()) => return Ok(answer),
                Err(ApplyError::Conflict(Conflict::ValueChanged { .. })) => {
                    self.refresh_held().await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        let text = "the API key kept changing meanwhile";
        Err(OpenClawError::new(ErrorKind::Overloaded, text).with_hint("try again"))
    }

    /// Writes the last uses that the store does not know yet.
    pub(super) async fn store_uses(&self) {
        let _one_at_a_time = self.changing.lock().await;
        let keys: Vec<_> = self.read().iter().map(|(id, key)| (id.clone(), key.clone())).collect();
        for (id, key) in keys {
            let record = key.current();
            if record.last_used_at == key.record.last_used_at {
                continue;
            }
            if let Err(error) = self.put(&id, record, Some(&key)).await {
                tracing::debug!(%error, id, "the last use of an API key was not stored");
            }
        }
    }

    /// Stores a key, then lets it count. What the change takes away ends at once.
    async fn put(
        &self,
        id: &str,
        record: KeyRecord,
        before: Option<&HeldKey>,
    ) -> Result<(), ApplyError> {
        let stored = serde_json::to_string(&record).expect("a key is texts, numbers and a list");
        let write = Write::PutValue {
            key: format!("{PREFIX}{id}"),
            value: stored.clone(),
            expect: Some(before.map(|key| key.stored.clone())),
        };
        self.storage.apply(Batch::new().with(write)).await?;
        let mut key = HeldKey::new(record, stored);
        if let Some(before) = before {
            if is_same_credential(&before.record, &key.record) {
                key.grant = before.grant.clone();
            } else {
                before.grant.end();
            }
            // Another caller may have used it meanwhile.
            key.last_used.fetch_max(before.last_used.load(Ordering::Relaxed), Ordering::Relaxed);
        }
        self.write().insert(id.to_owned(), Arc::new(key));
        Ok(())
    }

    fn named(&self, named: &str) -> Result<(String, Arc<HeldKey>), OpenClawError> {
        let held = self.read();
        let now = self.clock.now();
        let by_name = |(_, key): &(&String, &Arc<HeldKey>)| {
            key.record.name == named && key.record.is_live(now)
        };
        let found = held.get_key_value(named).or_else(|| held.iter().find(by_name));
        found.map(|(id, key)| (id.clone(), key.clone())).ok_or_else(|| {
            OpenClawError::not_found("no API key has this id or name")
                .with_field("id")
                .with_hint("`openclaw keys list` shows them")
        })
    }

    fn get(&self, id: &str) -> Option<Arc<HeldKey>> {
        self.read().get(id).cloned()
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<String, Arc<HeldKey>>> {
        self.keys.read().expect("no panic while the keys are held")
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<String, Arc<HeldKey>>> {
        self.keys.write().expect("no panic while the keys are held")
    }
}

/// Whether what signed in with the one may stay with the other.
fn is_same_credential(before: &KeyRecord, after: &KeyRecord) -> bool {
    before.digest == after.digest
        && before.revoked_at == after.revoked_at
        && before.expires_at == after.expires_at
        && before.scopes == after.scopes
}
