use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes that all connections together may be receiving at a time.
const MOST: usize = 128 << 20;

/// Counts bytes being received; small bodies are not worth counting.
#[derive(Debug, Default)]
pub(super) struct Receiving(AtomicUsize);

/// A share of the budget; given back when dropped.
#[derive(Debug)]
pub(super) struct Share {
    of: Arc<Receiving>,
    bytes: usize,
}

impl Receiving {
    /// A share of so many bytes; `None` when that is more than is left.
    pub(super) fn share(self: &Arc<Self>, bytes: usize) -> Option<Share> {
        let taken = self.0.fetch_add(bytes, Ordering::AcqRel) + bytes;
        if taken > MOST {
            self.0.fetch_sub(bytes, Ordering::AcqRel);
            return None;
        }
        Some(Share { of: self.clone(), bytes })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.of.0.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}
