use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::Duration;

use openclaw_core::Timestamp;

/// What leads to a lockout, and how long one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Wrong credentials of one address within [`Self::window`] that lock it out.
    pub(crate) mistakes: usize,
    /// The time in which they are counted together.
    pub(crate) window: Duration,
    /// How long the address is locked out.
    pub(crate) locked_for: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { mistakes: 10, window: Duration::from_secs(60), locked_for: Duration::from_secs(300) }
    }
}

/// Addresses remembered; beyond it the one whose last mistake is oldest is forgotten.
const ADDRESSES: usize = 10_000;

/// Counts wrong credentials per address, loopback included.
#[derive(Debug, Default)]
pub(crate) struct Lockout {
    limits: Limits,
    records: Mutex<HashMap<IpAddr, Record>>,
}

#[derive(Debug, Default)]
struct Record {
    mistakes: VecDeque<Timestamp>,
    locked_until: Option<Timestamp>,
}

impl Lockout {
    /// One with limits of its own.
    pub(crate) fn new(limits: Limits) -> Self {
        Self { limits, records: Mutex::default() }
    }

    /// For how long the address is still locked out.
    pub(crate) fn remaining(&self, address: IpAddr, now: Timestamp) -> Option<Duration> {
        let records = self.records.lock().expect("no panic while the records are held");
        let until = records.get(&subnet(address))?.locked_until?;
        (until > now).then(|| until.since(now))
    }

    /// Counts a wrong credential; the one that reaches the limit locks the address out.
    pub(crate) fn mistake(&self, address: IpAddr, now: Timestamp) {
        let mut records = self.records.lock().expect("no panic while the records are held");
        let address = subnet(address);
        if records.len() >= ADDRESSES && !records.contains_key(&address) {
            let oldest = records
                .iter()
                .min_by_key(|(_, record)| record.mistakes.back().copied())
                .map(|(address, _)| *address);
            if let Some(oldest) = oldest {
                records.remove(&oldest);
            }
        }
        let record = records.entry(address).or_default();
        while record.mistakes.front().is_some_and(|at| now.since(*at) >= self.limits.window) {
            record.mistakes.pop_front();
        }
        record.mistakes.push_back(now);
        if record.mistakes.len() >= self.limits.mistakes {
            record.mistakes.clear();
            record.locked_until = Some(now.plus(self.limits.locked_for));
        }
    }
}

/// One IPv6 customer has a whole /64.
pub(super) fn subnet(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) if !v6.is_loopback() => {
            let mut segments = v6.segments();
            segments[4..].fill(0);
            IpAddr::V6(segments.into())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::{Limits, Lockout};
    use openclaw_core::Timestamp;
    use std::net::IpAddr;
    use std::time::Duration;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(0).plus(Duration::from_secs(seconds))
    }

    #[test]
    fn ten_mistakes_in_a_minute_lock_an_address_for_five_minutes() {
        let lockout = Lockout::default();
        let address: IpAddr = "127.0.0.1".parse().expect("valid");
        for second in 0..9 {
            lockout.mistake(address, at(second));
        }
        assert_eq!(lockout.remaining(address, at(9)), None);
        lockout.mistake(address, at(9));
        assert_eq!(lockout.remaining(address, at(9)), Some(Limits::default().locked_for));
        assert_eq!(lockout.remaining(address, at(10)), Some(Duration::from_secs(299)));
        assert_eq!(lockout.remaining(address, at(309)), None);
        let other: IpAddr = "127.0.0.2".parse().expect("valid");
        assert_eq!(lockout.remaining(other, at(10)), None);
    }

    #[test]
    fn slow_mistakes_are_forgiven() {
        let lockout = Lockout::default();
        let address: IpAddr = "::1".parse().expect("valid");
        for mistake in 0..100 {
            lockout.mistake(address, at(mistake * 7));
            assert_eq!(lockout.remaining(address, at(mistake * 7)), None);
        }
    }

    #[test]
    fn a_network_cannot_spread_its_mistakes_over_its_addresses() {
        let lockout = Lockout::default();
        let host = |host: u16| format!("2001:db8::{host:x}").parse::<IpAddr>().expect("valid");
        for number in 0..10 {
            lockout.mistake(host(number), at(0));
        }
        assert_eq!(lockout.remaining(host(77), at(0)), Some(Limits::default().locked_for));
    }
}
