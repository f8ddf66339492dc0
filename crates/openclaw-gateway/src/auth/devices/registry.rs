use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use openclaw_core::{Clock, IdGen, Rng, Secret, Timestamp};
use openclaw_protocol::ScopeSet;
use openclaw_protocol::methods::IssuedDeviceToken;
use openclaw_storage::{ApplyError, Batch, Conflict, Storage, Write};

use super::pending::Pending;
use crate::auth::Grant;
use crate::hub::ClientId;

use super::record::digest_of;
use super::{Asked, DeviceError, DeviceRecord, Request, TokenRecord};

/// Where devices are kept among the values of the store.
const PREFIX: &str = "device/";
/// How often a change is tried against other gateways.
const TRIES: u32 = 8;
/// How exactly the last use of a token is known: a use within it is not written.
const USE_STEP: Duration = Duration::from_secs(3_600);

/// The devices of this gateway.
#[derive(Debug)]
pub struct Devices {
    storage: Arc<dyn Storage>,
    clock: Arc<dyn Clock>,
    ids: Arc<dyn IdGen>,
    rng: Arc<dyn Rng>,
    pending: Mutex<Pending>,
    /// The connections of each device.
    live: Mutex<HashMap<String, Vec<Live>>>,
}

/// A connection of a device.
#[derive(Debug, Clone)]
struct Live {
    connection: ClientId,
    /// What it goes on by.
    grant: Grant,
    /// The digest of the device's token, where it signed in with that.
    token: Option<String>,
    since: Timestamp,
}

impl Live {
    /// Whether it may go on as the device stands in the store.
    fn holds(&self, device: &DeviceRecord) -> bool {
        let token = device.token.as_ref();
        device.is_approved
            && self.token.as_ref().is_none_or(|own| token.is_some_and(|token| token.is(own)))
            // A rotation ends what signed in by another credential as well.
            && !token.is_some_and(|token| token.is_rotated && token.created_at > self.since)
    }
}

impl Devices {
    /// The devices in a store.
    pub fn new(
        storage: Arc<dyn Storage>,
        clock: Arc<dyn Clock>,
        ids: Arc<dyn IdGen>,
        rng: Arc<dyn Rng>,
    ) -> Self {
        Self { storage, clock, ids, rng, pending: Mutex::default(), live: Mutex::default() }
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().expect("no panic while the requests are held")
    }

    fn live(&self) -> MutexGuard<'_, HashMap<String, Vec<Live>>> {
        self.live.lock().expect("no panic while the grants are held")
    }

    /// A connection of a device goes on by this grant from now on; with the device's token, where it
    /// signed in by that.
    pub fn connected(
        &self,
        device_id: &str,
        connection: ClientId,
        grant: &Grant,
        token: Option<&str>,
    ) {
        let token = token.map(|token| digest_of(&Secret::new(token)));
        let live = Live { connection, grant: grant.clone(), token, since: self.clock.now() };
        self.live().entry(device_id.to_owned()).or_default().push(live);
    }

    /// A connection of a device is over.
    pub fn disconnected(&self, device_id: &str, connection: ClientId) {
        let mut live = self.live();
        if let Some(grants) = live.get_mut(device_id) {
            grants.retain(|live| live.connection != connection);
            if grants.is_empty() {
                live.remove(device_id);
            }
        }
    }

    /// Ends what connections of a device go on by; they notice when they are woken.
    fn end(&self, device_id: &str) {
        for live in self.live().get(device_id).into_iter().flatten() {
            live.grant.end();
        }
    }

    /// Ends what connections go on by whose device another gateway on the store has revoked or
    /// rotated; they notice when they are woken. Whether there were any.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn refresh(&self) -> Result<bool, DeviceError> {
        // Taken before the store is read: what connects meanwhile looks there itself.
        let live: Vec<(String, Vec<Live>)> =
            self.live().iter().map(|(id, live)| (id.clone(), live.clone())).collect();
        if live.is_empty() {
            return Ok(false);
        }
        let stored: HashMap<String, String> =
            self.storage.values(PREFIX).await?.into_iter().collect();
        let mut has_ended = false;
        for (id, connections) in live {
            let record = stored.get(&format!("{PREFIX}{id}")).map(|text| read(&id, text));
            let record = match record.transpose() {
                Ok(record) => record,
                Err(error) => {
                    tracing::error!(%error, id, "a device in the store cannot be read");
                    None
                }
            };
            for live in connections {
                let holds = record.as_ref().is_some_and(|record| live.holds(record));
                if !holds && !live.grant.is_ended() {
                    live.grant.end();
                    has_ended = true;
                }
            }
        }
        Ok(has_ended)
    }

    /// The device of this id, revoked ones included.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn find(&self, device_id: &str) -> Result<Option<DeviceRecord>, DeviceError> {
        let text = self.storage.value(&format!("{PREFIX}{device_id}")).await?;
        text.map(|text| read(device_id, &text)).transpose()
    }

    /// Every device that was ever approved, oldest first.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn all(&self) -> Result<Vec<DeviceRecord>, DeviceError> {
        let values = self.storage.values(PREFIX).await?;
        let read = |(key, text): &(String, String)| read(&key[PREFIX.len()..], text);
        let mut devices = values.iter().map(read).collect::<Result<Vec<_>, _>>()?;
        devices.sort_by(|a, b| (a.created_at, &a.device_id).cmp(&(b.created_at, &b.device_id)));
        Ok(devices)
    }

    /// Devices that wait for approval, oldest first.
    pub fn requests(&self) -> Vec<Request> {
        self.pending().all(self.clock.now())
    }

    /// Notes that a device waits for approval; whether it asks for this the first time.
    pub fn ask(&self, asked: Asked) -> (Request, bool) {
        self.pending().ask(self.ids.new_id(), asked, self.clock.now())
    }

    /// Turns a device away.
    ///
    /// # Errors
    /// [`DeviceError::NoRequest`].
    pub fn reject(&self, request_id: &str) -> Result<Request, DeviceError> {
        let taken = self.pending().take(request_id, self.clock.now());
        taken.ok_or_else(|| DeviceError::NoRequest(shorten(request_id)))
    }

    /// Approves a device for what it asked, if whoever approves it has all of that.
    ///
    /// # Errors
    /// [`DeviceError::NoRequest`], [`DeviceError::Lacks`], or when the store fails; the request stays.
    pub async fn approve(
        &self,
        request_id: &str,
        approver: ScopeSet,
    ) -> Result<DeviceRecord, DeviceError> {
        let found = self.pending().find(request_id, self.clock.now());
        let request = found.ok_or_else(|| DeviceError::NoRequest(shorten(request_id)))?;
        let approved = self.admit(&request.asked, approver).await?;
        // Somebody else may have taken it meanwhile; the device is approved either way.
        let taken = self.pending().take(request_id, self.clock.now());
        tracing::debug!(request_id, was_pending = taken.is_some(), "a request was approved");
        Ok(approved)
    }

    /// Approves a device for what it asks without a request.
    ///
    /// # Errors
    /// [`DeviceError::Lacks`], or when the store fails.
    pub async fn admit(
        &self,
        asked: &Asked,
        approver: ScopeSet,
    ) -> Result<DeviceRecord, DeviceError> {
        if let Some(lacking) = lacking(asked.scopes, approver) {
            return Err(DeviceError::Lacks(lacking));
        }
        let now = self.clock.now();
        self.change(&asked.device.id, |present| {
            // What a revoked device was approved for before does not come back with it.
            let present = present.filter(|present| present.is_approved);
            let scopes = match &present {
                Some(present) => present.scopes.iter().chain(asked.scopes.iter()).collect(),
                None => asked.scopes,
            };
            let (created_at, token) =
                present.map_or((now, None), |present| (present.created_at, present.token));
            Ok(DeviceRecord {
                device_id: asked.device.id.clone(),
                public_key: asked.device.public_key.clone(),
                info: asked.info.clone(),
                scopes,
                is_approved: true,
                token: token.map(|token| token.allowing(asked.scopes)),
                created_at,
                approved_at: now,
            })
        })
        .await
    }

    /// Whether this is the device's token; notes its use.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn take_token(
        &self,
        device: &DeviceRecord,
        offered: &Secret,
    ) -> Result<bool, DeviceError> {
        let Some(token) = device.token.as_ref().filter(|token| token.matches(offered)) else {
            return Ok(false);
        };
        if !device.is_approved {
            return Ok(false);
        }
        let now = self.clock.now();
        if token.last_used_at.is_none_or(|at| now.since(at) >= USE_STEP) {
            self.change(&device.device_id, |present| {
                let mut present =
                    present.ok_or_else(|| DeviceError::NoDevice(device.device_id.clone()))?;
                if let Some(token) = &mut present.token {
                    token.last_used_at = Some(now);
                }
                Ok(present)
            })
            .await?;
        }
        Ok(true)
    }

    /// Whether a device is approved, and, where it signed in with a token, that is still its own.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn holds(&self, device_id: &str, token: Option<&str>) -> Result<bool, DeviceError> {
        let Some(device) = self.find(device_id).await?.filter(|device| device.is_approved) else {
            return Ok(false);
        };
        Ok(token.is_none_or(|offered| {
            device.token.is_some_and(|token| token.matches(&Secret::new(offered)))
        }))
    }

    /// Gives an approved device its first token; `None` where it has one, which is kept only as a
    /// digest and cannot be told again.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn first_token(
        &self,
        device_id: &str,
    ) -> Result<Option<IssuedDeviceToken>, DeviceError> {
        let token = self.fresh_token();
        let now = self.clock.now();
        let stored = self
            .change(device_id, |present| {
                let mut present = approved(device_id, present)?;
                if present.token.is_none() {
                    present.token = Some(TokenRecord::new(&token, present.scopes, now, false));
                }
                Ok(present)
            })
            .await?;
        let is_ours = stored.token.as_ref().is_some_and(|stored| stored.matches(&token));
        Ok(is_ours.then(|| issued(device_id, &token, stored.scopes, now)))
    }

    /// Gives an approved device another token.
    ///
    /// # Errors
    /// [`DeviceError::NoDevice`], [`DeviceError::NotApproved`], [`DeviceError::NotApprovedFor`],
    /// [`DeviceError::MayMore`] and [`DeviceError::Lacks`] unless the caller has all that the old
    /// token and the new one may do, or when the store fails.
    pub async fn rotate(
        &self,
        device_id: &str,
        scopes: Option<ScopeSet>,
        caller: ScopeSet,
    ) -> Result<IssuedDeviceToken, DeviceError> {
        let token = self.fresh_token();
        let now = self.clock.now();
        let stored = self
            .change(device_id, |present| {
                let mut present = approved(device_id, present)?;
                let old = present.token.as_ref().map_or(present.scopes, |token| token.scopes);
                if let Some(more) = lacking(old, caller) {
                    return Err(DeviceError::MayMore(more));
                }
                let scopes = scopes.unwrap_or(old);
                if let Some(more) = lacking(scopes, present.scopes) {
                    return Err(DeviceError::NotApprovedFor(more));
                }
                if let Some(lacking) = lacking(scopes, caller) {
                    return Err(DeviceError::Lacks(lacking));
                }
                present.token = Some(TokenRecord::new(&token, scopes, now, true));
                Ok(present)
            })
            .await?;
        self.end(device_id);
        let scopes = stored.token.as_ref().map_or(ScopeSet::NONE, |token| token.scopes);
        Ok(issued(device_id, &token, scopes, now))
    }

    /// Takes a device's token and approval away.
    ///
    /// # Errors
    /// [`DeviceError::NoDevice`], [`DeviceError::MayMore`] unless the caller has all that the device
    /// may do, or when the store fails.
    pub async fn revoke(
        &self,
        device_id: &str,
        caller: ScopeSet,
    ) -> Result<DeviceRecord, DeviceError> {
        let revoked = self.change(device_id, |present| {
            let mut present = present.ok_or_else(|| DeviceError::NoDevice(shorten(device_id)))?;
            if let Some(more) = lacking(present.scopes, caller) {
                return Err(DeviceError::MayMore(more));
            }
            present.is_approved = false;
            present.token = None;
            Ok(present)
        });
        let revoked = revoked.await?;
        self.end(device_id);
        Ok(revoked)
    }

    /// Changes a device against what stands in the store.
    async fn change(
        &self,
        device_id: &str,
        change: impl Fn(Option<DeviceRecord>) -> Result<DeviceRecord, DeviceError> + Send + Sync,
    ) -> Result<DeviceRecord, DeviceError> {
        let key = format!("{PREFIX}{device_id}");
        for _ in 0..TRIES {
            let before = self.storage.value(&key).await?;
            let present = before.as_deref().map(|text| read(device_id, text)).transpose()?;
            let changed = change(present)?;
            let value =
                serde_json::to_string(&changed).expect("a device is texts, numbers and flags");
            if before.as_ref() == Some(&value) {
                return Ok(changed);
            }
            let write = Write::PutValue { key: key.clone(), value, expect: Some(before) };
            match self.storage.apply(Batch::new().with(write)).await {
                Ok(_) => return Ok(changed),
                Err(ApplyError::Conflict(Conflict::ValueChanged { .. })) => {}
                Err(ApplyError::Conflict(conflict)) => {
                    tracing::error!(%conflict, "a value was refused for another reason");
                    return Err(DeviceError::Contended);
                }
                Err(ApplyError::Storage(error)) => return Err(error.into()),
            }
        }
        Err(DeviceError::Contended)
    }

    fn fresh_token(&self) -> Secret {
        let bytes: Vec<u8> = (0..4).flat_map(|_| self.rng.next_u64().to_le_bytes()).collect();
        Secret::new(URL_SAFE_NO_PAD.encode(bytes))
    }
}

fn issued(
    device_id: &str,
    token: &Secret,
    scopes: ScopeSet,
    issued_at: openclaw_core::Timestamp,
) -> IssuedDeviceToken {
    let token = token.expose().to_owned();
    IssuedDeviceToken { device_id: device_id.to_owned(), token, scopes, issued_at }
}

fn approved(device_id: &str, present: Option<DeviceRecord>) -> Result<DeviceRecord, DeviceError> {
    let present = present.ok_or_else(|| DeviceError::NoDevice(shorten(device_id)))?;
    if !present.is_approved {
        return Err(DeviceError::NotApproved(present.device_id));
    }
    Ok(present)
}

fn read(device_id: &str, text: &str) -> Result<DeviceRecord, DeviceError> {
    serde_json::from_str(text).map_err(|error| DeviceError::Unreadable(device_id.to_owned(), error))
}

/// The first scope wanted that is not held.
fn lacking(wanted: ScopeSet, held: ScopeSet) -> Option<openclaw_protocol::Scope> {
    wanted.iter().find(|scope| !held.allows(*scope))
}

fn shorten(text: &str) -> String {
    text.chars().take(80).collect()
}
