use std::time::Duration;

/// How often a turn is begun on the same input before it is given up.
pub(crate) const MOST_ATTEMPTS: u32 = 5;

/// Inputs read at a time where several can become one turn.
pub(crate) const GROUP_LIMIT: u32 = 64;

/// The longest turn, for those that ask for no time limit.
pub(crate) const LONGEST_TURN: Duration = Duration::from_secs(24 * 3_600);

/// A turn must end this soon after it is cancelled; then it is dropped.
pub(crate) const CANCEL_GRACE: Duration = Duration::from_millis(500);

/// A turn must end this soon after its own time limit; then it is cancelled.
pub(crate) const TIMEOUT_GRACE: Duration = Duration::from_secs(5);

/// How long a stream may take to begin or to finish.
pub(crate) const STREAM_PATIENCE: Duration = Duration::from_secs(3);

/// Limits of lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LaneLimits {
    /// Turns at work at a time in all lanes together: thousands of lanes that wake at once, after a
    /// restart, must not call the models at once.
    pub concurrent_turns: usize,
    /// How long a lane without work lives.
    pub idle: Duration,
    /// How long a lease holds without being renewed.
    pub lease_ttl: Duration,
    /// How often leases are renewed.
    pub lease_renewal: Duration,
    /// How long the end of a turn is tried to be stored before it is left to the next start.
    pub storage_patience: Duration,
}

impl Default for LaneLimits {
    fn default() -> Self {
        Self {
            concurrent_turns: 64,
            idle: Duration::from_secs(60),
            lease_ttl: Duration::from_secs(15),
            lease_renewal: Duration::from_secs(5),
            storage_patience: Duration::from_secs(600),
        }
    }
}

/// Pauses that double up to a bound.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Backoff {
    next: Duration,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(50);
    const LONGEST: Duration = Duration::from_secs(5);

    pub(crate) fn new() -> Self {
        Self { next: Self::FIRST }
    }

    pub(crate) fn next(&mut self) -> Duration {
        let pause = self.next;
        self.next = (pause * 2).min(Self::LONGEST);
        pause
    }
}
