use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use openclaw_config::RateLimitSettings;
use openclaw_core::Timestamp;

use super::buckets::Buckets;
use super::lockout::subnet;

/// What a call costs the gateway, and with it how often it may come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CallClass {
    /// Looks something up: the configured rate.
    Read,
    /// Changes something: half of it.
    Write,
    /// Makes the agent or a tool work: a tenth of it.
    Run,
}

/// How many credentials' rates one address has to itself.
const ADDRESS_SHARE: f64 = 4.0;

/// Counts calls per credential and per address, each class of calls for itself.
#[derive(Debug, Default)]
pub struct RateLimiter {
    credentials: Buckets<(Arc<str>, CallClass)>,
    /// `None` is for those who have not signed in: they do not use up what others have.
    addresses: Buckets<(IpAddr, Option<CallClass>)>,
}

impl RateLimiter {
    /// Takes one call of a credential, and of the address that it comes from.
    ///
    /// # Errors
    /// When the next one may come, where there is none left.
    pub fn take(
        &self,
        principal: &Arc<str>,
        address: IpAddr,
        class: CallClass,
        settings: RateLimitSettings,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let settings = of_class(settings, class, 1.0);
        self.credentials.take(&(principal.clone(), class), settings, now)?;
        let shared = of_class(settings, CallClass::Read, ADDRESS_SHARE);
        self.addresses.take(&(subnet(address), Some(class)), shared, now)
    }

    /// Takes one call of somebody who has not signed in.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn take_unknown(
        &self,
        address: IpAddr,
        settings: RateLimitSettings,
        now: Timestamp,
    ) -> Result<(), Duration> {
        let settings = of_class(settings, CallClass::Read, ADDRESS_SHARE);
        self.addresses.take(&(subnet(address), None), settings, now)
    }
}

fn of_class(settings: RateLimitSettings, class: CallClass, times: f64) -> RateLimitSettings {
    let factor = times
        * match class {
            CallClass::Read => 1.0,
            CallClass::Write => 0.5,
            CallClass::Run => 0.1,
        };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a burst times a small factor, cut to what fits"
    )]
    let burst = (f64::from(settings.burst) * factor).ceil() as u32;
    RateLimitSettings {
        requests_per_second: settings.requests_per_second * factor,
        burst: burst.max(1),
    }
}

#[cfg(test)]
mod tests {
    use super::{CallClass, RateLimiter};
    use openclaw_config::RateLimitSettings;
    use openclaw_core::Timestamp;
    use std::net::IpAddr;
    use std::sync::Arc;

    const SETTINGS: RateLimitSettings = RateLimitSettings { requests_per_second: 10.0, burst: 20 };

    fn taken(limiter: &RateLimiter, name: &str, address: &str, class: CallClass) -> usize {
        let name: Arc<str> = name.into();
        let address: IpAddr = address.parse().expect("valid");
        let now = Timestamp::from_millis(0);
        (0..1_000)
            .take_while(|_| limiter.take(&name, address, class, SETTINGS, now).is_ok())
            .count()
    }

    #[test]
    fn each_class_has_its_part() {
        let limiter = RateLimiter::default();
        assert_eq!(taken(&limiter, "one", "127.0.0.1", CallClass::Read), 20);
        assert_eq!(taken(&limiter, "one", "127.0.0.1", CallClass::Write), 10);
        assert_eq!(taken(&limiter, "one", "127.0.0.1", CallClass::Run), 2);
        assert_eq!(taken(&limiter, "one", "::1", CallClass::Read), 0);
        assert_eq!(taken(&limiter, "two", "127.0.0.1", CallClass::Run), 2);
    }

    #[test]
    fn strangers_leave_the_owners_calls_alone() {
        let limiter = RateLimiter::default();
        let address: IpAddr = "127.0.0.1".parse().expect("valid");
        let now = Timestamp::from_millis(0);
        let strangers =
            (0..1_000).take_while(|_| limiter.take_unknown(address, SETTINGS, now).is_ok()).count();
        assert_eq!(strangers, 80);
        assert_eq!(taken(&limiter, "owner", "127.0.0.1", CallClass::Read), 20);
    }

    #[test]
    fn many_credentials_of_one_address_share_four_times_the_rate() {
        let limiter = RateLimiter::default();
        let all: usize = (0..10)
            .map(|key| taken(&limiter, &format!("key {key}"), "192.0.2.1", CallClass::Read))
            .sum();
        assert_eq!(all, 80);
        assert_eq!(taken(&limiter, "key 11", "192.0.2.2", CallClass::Read), 20);
    }
}
