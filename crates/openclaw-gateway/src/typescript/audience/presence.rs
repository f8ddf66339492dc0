use std::collections::BTreeMap;
use std::time::Duration;

use openclaw_core::Timestamp;
use openclaw_protocol::typescript::connect::PresenceEntry;

/// How long somebody who is not connected is remembered.
const LIFE: Duration = Duration::from_secs(300);
/// Entries; beyond it the oldest of those not connected is forgotten.
const MOST: usize = 200;

/// Who is here: connected, just gone, or heard of.
#[derive(Debug, Default)]
pub(super) struct Presence(BTreeMap<String, Known>);

#[derive(Debug)]
struct Known {
    entry: PresenceEntry,
    connections: usize,
}

impl Presence {
    pub(super) fn connected(&mut self, key: String, entry: PresenceEntry) {
        self.make_room(&key);
        let known =
            self.0.entry(key).or_insert_with(|| Known { entry: entry.clone(), connections: 0 });
        known.entry = entry;
        known.connections += 1;
    }

    pub(super) fn disconnected(&mut self, key: &str, now: Timestamp) {
        if let Some(known) = self.0.get_mut(key) {
            known.connections = known.connections.saturating_sub(1);
            if known.connections == 0 {
                known.entry.reason = Some("disconnect".to_owned());
                known.entry.ts = now.as_millis();
            }
        }
    }

    pub(super) fn seen(&mut self, key: String, entry: PresenceEntry) {
        self.make_room(&key);
        let known =
            self.0.entry(key).or_insert_with(|| Known { entry: entry.clone(), connections: 0 });
        known.entry = entry;
    }

    /// Those that count, latest first.
    pub(super) fn entries(&mut self, now: Timestamp) -> Vec<PresenceEntry> {
        let is_new = |known: &Known| now.since(Timestamp::from_millis(known.entry.ts)) < LIFE;
        self.0.retain(|_, known| known.connections > 0 || is_new(known));
        self.all()
    }

    fn all(&self) -> Vec<PresenceEntry> {
        let mut entries: Vec<_> = self.0.values().map(|known| known.entry.clone()).collect();
        entries.sort_by_key(|entry| std::cmp::Reverse(entry.ts));
        entries
    }

    fn make_room(&mut self, key: &str) {
        if self.0.len() < MOST || self.0.contains_key(key) {
            return;
        }
        let idle = self.0.iter().filter(|(_, known)| known.connections == 0);
        if let Some(oldest) =
            idle.min_by_key(|(_, known)| known.entry.ts).map(|(key, _)| key.clone())
        {
            self.0.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LIFE, MOST, Presence};
    use openclaw_core::Timestamp;
    use openclaw_protocol::typescript::connect::PresenceEntry;

    fn entry(host: &str, ts: i64) -> PresenceEntry {
        PresenceEntry {
            host: host.to_owned(),
            ip: None,
            version: None,
            platform: None,
            device_family: None,
            model_identifier: None,
            mode: None,
            reason: Some("connect".to_owned()),
            device_id: None,
            roles: Vec::new(),
            scopes: Vec::new(),
            instance_id: None,
            last_input_seconds: None,
            text: host.to_owned(),
            ts,
        }
    }

    #[test]
    fn who_is_connected_stays_and_who_went_is_remembered_for_a_while() {
        let mut presence = Presence::default();
        let at = Timestamp::from_millis;
        presence.connected("a".to_owned(), entry("a", 0));
        presence.connected("a".to_owned(), entry("a", 1));
        presence.seen("b".to_owned(), entry("b", 2));
        let long_after = at(2).plus(LIFE);
        let hosts = |entries: Vec<PresenceEntry>| -> Vec<String> {
            entries.into_iter().map(|entry| entry.host).collect()
        };
        assert_eq!(hosts(presence.entries(at(3))), ["b", "a"]);
        assert_eq!(hosts(presence.entries(long_after)), ["a"]);
        presence.disconnected("a", long_after);
        assert_eq!(presence.all()[0].reason.as_deref(), Some("connect"));
        presence.disconnected("a", long_after);
        assert_eq!(presence.all()[0].reason.as_deref(), Some("disconnect"));
        assert!(presence.entries(long_after.plus(LIFE)).is_empty());
    }

    #[test]
    fn those_who_only_told_of_themselves_are_few() {
        let mut presence = Presence::default();
        presence.connected("here".to_owned(), entry("here", -1));
        for number in 0..MOST {
            presence.seen(number.to_string(), entry(&number.to_string(), number as i64));
        }
        let all = presence.all();
        assert_eq!(all.len(), MOST);
        assert!(all.iter().any(|entry| entry.host == "here"));
        assert!(!all.iter().any(|entry| entry.host == "0"));
    }
}
