use std::net::IpAddr;
use std::time::Duration;

use openclaw_config::RateLimitSettings;
use openclaw_core::Timestamp;

use super::buckets::Buckets;
use super::lockout::subnet;

/// Passwords of one address in a minute, right ones too: each costs as much as a thousand calls.
const A_MINUTE: u32 = 10;

/// Counts sign-ins with a password per address.
#[derive(Debug, Default)]
pub(super) struct SignIns(Buckets<IpAddr>);

impl SignIns {
    /// Takes one sign-in.
    ///
    /// # Errors
    /// When the next one may come, where there is none left.
    pub(super) fn take(&self, address: IpAddr, now: Timestamp) -> Result<(), Duration> {
        let settings =
            RateLimitSettings { requests_per_second: f64::from(A_MINUTE) / 60.0, burst: A_MINUTE };
        self.0.take(&subnet(address), settings, now)
    }
}
