use tokio_util::sync::CancellationToken;

/// Two stages of ending: no more new work, then no more work.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    requested: CancellationToken,
    forced: CancellationToken,
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
