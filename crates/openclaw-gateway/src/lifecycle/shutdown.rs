use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// Two stages of ending: no more new work, then no more work.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    requested: CancellationToken,
    forced: CancellationToken,
    starts_again: Arc<AtomicBool>,
}

impl Shutdown {
    /// Nothing requested.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for an orderly end: what runs may finish within its limit.
    pub fn request(&self) {
        self.requested.cancel();
    }

    /// Asks for an orderly end after which the program starts again.
    pub fn request_restart(&self) {
        self.starts_again.store(true, Ordering::Release);
        self.requested.cancel();
    }

    /// Whether the program is to start again once it has ended.
    pub fn starts_again(&self) -> bool {
        self.starts_again.load(Ordering::Acquire)
    }

    /// Ends what is left.
    pub fn force(&self) {
        self.requested.cancel();
        self.forced.cancel();
    }

    /// Whether an end was requested.
    pub fn is_requested(&self) -> bool {
        self.requested.is_cancelled()
    }

    /// Cancelled when an end is requested.
    pub fn requested(&self) -> &CancellationToken {
        &self.requested
    }

    /// Cancelled when what is left must end.
    pub fn forced(&self) -> &CancellationToken {
        &self.forced
    }
}
