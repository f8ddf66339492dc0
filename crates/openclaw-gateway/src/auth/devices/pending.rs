use std::time::Duration;

use openclaw_core::Timestamp;
use openclaw_protocol::ScopeSet;
use openclaw_protocol::methods::{DeviceInfo, DeviceRequest};

use super::ProvenDevice;

/// How long a device waits for approval.
const LIFE: Duration = Duration::from_secs(300);
/// Devices that may wait at a time; beyond it the oldest is forgotten.
const MOST: usize = 64;

/// What a device asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// Which one.
    pub device: ProvenDevice,
    /// What it says of itself.
    pub info: DeviceInfo,
    /// What it wants to do.
    pub scopes: ScopeSet,
    /// Where it asks from; `None` for this machine.
    pub address: Option<String>,
    /// Whether it is approved already, for less.
    pub is_known: bool,
}

/// A device that waits for approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Names the request.
    pub id: String,
    /// What it is about.
    pub asked: Asked,
    /// When it was made.
    pub at: Timestamp,
}

impl Request {
    /// The request as clients see it.
    pub fn describe(&self) -> DeviceRequest {
        DeviceRequest {
            request_id: self.id.clone(),
            device_id: self.asked.device.id.clone(),
            info: self.asked.info.clone(),
            scopes: self.asked.scopes,
            is_known: self.asked.is_known,
            address: self.asked.address.clone(),
            requested_at: self.at,
            expires_at: self.at.plus(LIFE),
        }
    }
}

/// The devices that wait.
#[derive(Debug, Default)]
pub(super) struct Pending(Vec<Request>);

impl Pending {
    fn forget_old(&mut self, now: Timestamp) {
        self.0.retain(|request| now.since(request.at) < LIFE);
    }

    /// The request of a device: a new one, unless it asked for the same already; and whether it is
    /// new. Asking for something else takes the earlier request's place: what is approved is what
    /// was shown.
    pub(super) fn ask(&mut self, id: String, asked: Asked, now: Timestamp) -> (Request, bool) {
        self.forget_old(now);
        let is_same = |request: &&Request| request.asked == asked;
        if let Some(present) = self.0.iter().find(is_same) {
            return (present.clone(), false);
        }
        self.0.retain(|request| request.asked.device.id != asked.device.id);
        if self.0.len() >= MOST {
            self.0.remove(0);
        }
        let request = Request { id, asked, at: now };
        self.0.push(request.clone());
        (request, true)
    }

    pub(super) fn find(&mut self, id: &str, now: Timestamp) -> Option<Request> {
        self.forget_old(now);
        self.0.iter().find(|request| request.id == id).cloned()
    }

    pub(super) fn take(&mut self, id: &str, now: Timestamp) -> Option<Request> {
        self.forget_old(now);
        let position = self.0.iter().position(|request| request.id == id)?;
        Some(self.0.remove(position))
    }

    pub(super) fn all(&mut self, now: Timestamp) -> Vec<Request> {
        self.forget_old(now);
        self.0.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::{Asked, LIFE, MOST, Pending};
    use crate::auth::devices::ProvenDevice;
    use openclaw_core::Timestamp;
    use openclaw_protocol::methods::DeviceInfo;
    use openclaw_protocol::{Scope, ScopeSet};

    fn asked(device: usize, scopes: ScopeSet) -> Asked {
        Asked {
            device: ProvenDevice { id: format!("d{device}"), public_key: "k".to_owned() },
            info: DeviceInfo::default(),
            scopes,
            address: None,
            is_known: false,
        }
    }

    #[test]
    fn a_request_stands_for_exactly_what_was_asked() {
        let mut pending = Pending::default();
        let now = Timestamp::from_millis(0);
        let read: ScopeSet = [Scope::Read].into_iter().collect();
        let (first, is_new) = pending.ask("1".to_owned(), asked(1, read), now);
        assert!(is_new);
        assert_eq!(pending.ask("2".to_owned(), asked(1, read), now), (first.clone(), false));
        let (more, is_new) = pending.ask("3".to_owned(), asked(1, ScopeSet::all()), now);
        assert!(is_new && more.id == "3");
        assert_eq!(pending.find("1", now), None);
        assert_eq!(pending.take("3", now), Some(more));
        assert_eq!(pending.take("3", now), None);
    }

    #[test]
    fn requests_are_few_and_forgotten() {
        let mut pending = Pending::default();
        let now = Timestamp::from_millis(0);
        for device in 0..MOST + 1 {
            pending.ask(device.to_string(), asked(device, ScopeSet::all()), now);
        }
        let all = pending.all(now);
        assert_eq!((all.len(), all[0].id.as_str()), (MOST, "1"));
        assert!(pending.find("1", now.plus(LIFE)).is_none());
        assert!(pending.all(now.plus(LIFE)).is_empty());
    }
}
