use openclaw_core::{Clock, Timestamp};
use tokio_util::sync::CancellationToken;

/// For how long what a credential opened may go on: until it is revoked, rotated or expires.
///
/// Clones are the same grant. Ending a grant ends those that were made from it.
#[derive(Debug, Clone, Default)]
pub struct Grant {
    ended: CancellationToken,
    expires_at: Option<Timestamp>,
}

impl Grant {
    /// One that ends only when it is ended.
    pub fn lasting() -> Self {
        Self::default()
    }

    /// One that also ends at a moment.
    pub fn until(expires_at: Option<Timestamp>) -> Self {
        Self { ended: CancellationToken::new(), expires_at }
    }

    /// A grant within this one, which may end earlier.
    #[must_use]
    pub fn within(&self, expires_at: Option<Timestamp>) -> Self {
        let expires_at = match (self.expires_at, expires_at) {
            (Some(ours), Some(theirs)) => Some(ours.min(theirs)),
            (ours, theirs) => ours.or(theirs),
        };
        Self { ended: self.ended.child_token(), expires_at }
    }

    /// When it ends by itself.
    pub fn expires_at(&self) -> Option<Timestamp> {
        self.expires_at
    }

    /// Ends it.
    pub fn end(&self) {
        self.ended.cancel();
    }

    /// Whether it was ended: revoked or rotated.
    pub fn is_ended(&self) -> bool {
        self.ended.is_cancelled()
    }

    /// Whether it has ended or expired.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.is_ended() || self.expires_at.is_some_and(|at| at <= now)
    }

    /// Waits until it was ended. Cancel-safe.
    pub async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Waits until it has ended or expired: what a stream or a long answer ends with. Cancel-safe.
    pub async fn over(&self, clock: &dyn Clock) {
        let Some(expires_at) = self.expires_at else { return self.ended().await };
        tokio::select! {
            () = self.ended.cancelled() => {}
            () = tokio::time::sleep(expires_at.since(clock.now())) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Grant;
    use openclaw_core::Timestamp;

    #[test]
    fn what_is_within_a_grant_ends_with_it_and_not_after_it() {
        let at = Timestamp::from_millis;
        let outer = Grant::until(Some(at(100)));
        let inner = outer.within(Some(at(200)));
        assert_eq!(inner.expires_at(), Some(at(100)));
        assert_eq!(outer.within(Some(at(50))).expires_at(), Some(at(50)));
        assert!(!inner.is_over(at(99)) && inner.is_over(at(100)));
        let other = outer.within(None);
        inner.end();
        assert!(inner.is_ended() && !outer.is_ended() && !other.is_ended());
        outer.end();
        assert!(other.is_ended() && other.is_over(at(0)));
    }
}
