use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// What is not worth counting: as much as anybody may send.
pub(super) const SMALL: usize = 64 << 10;

/// Counts bytes being received by all connections together.
#[derive(Debug)]
pub(super) struct Receiving {
    most: usize,
    taken: AtomicUsize,
}

impl Receiving {
    pub(super) fn new(most: usize) -> Self {
        Self { most, taken: AtomicUsize::new(0) }
    }

    fn take(&self, bytes: usize) -> bool {
        let taken = self.taken.fetch_add(bytes, Ordering::AcqRel).saturating_add(bytes);
        if taken > self.most {
            self.taken.fetch_sub(bytes, Ordering::AcqRel);
        }
        taken <= self.most
    }
}

/// One connection's share of it; given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    of: Arc<Receiving>,
    bytes: usize,
}

impl Share {
    pub(super) fn none(of: Arc<Receiving>) -> Self {
        Self { of, bytes: 0 }
    }

    /// Grows to so many bytes; `false`, and as it was, when that is more than is left.
    pub(super) fn grow_to(&mut self, bytes: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let is_there = more == 0 || self.of.take(more);
        if is_there {
            self.bytes += more;
        }
        is_there
    }

    pub(super) fn give_back(&mut self) {
        self.of.taken.fetch_sub(self.bytes, Ordering::AcqRel);
        self.bytes = 0;
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.give_back();
    }
}

#[cfg(test)]
mod tests {
    use super::{Receiving, Share};
    use std::sync::Arc;

    #[test]
    fn shares_are_bounded_together_and_given_back() {
        let all = Arc::new(Receiving::new(100));
        let (mut one, mut other) = (Share::none(all.clone()), Share::none(all.clone()));
        assert!(one.grow_to(60));
        assert!(!other.grow_to(41));
        assert!(other.grow_to(40));
        assert!(one.grow_to(60) && one.grow_to(10));
        assert!(!one.grow_to(61));
        drop(other);
        assert!(one.grow_to(100));
        one.give_back();
        assert!(Share::none(all).grow_to(100));
    }
}
