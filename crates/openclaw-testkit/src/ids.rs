use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use openclaw_core::{IdGen, Rng};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// Ids that count, in the form of a UUIDv7; a seed keeps two generators apart.
#[derive(Debug)]
pub struct SeededIds {
    seed: u32,
    next: AtomicU64,
}

impl SeededIds {
    /// Begins at 1.
    pub fn new(seed: u32) -> Self {
        Self { seed, next: AtomicU64::new(1) }
    }
}

impl IdGen for SeededIds {
    fn new_id(&self) -> String {
        let count = self.next.fetch_add(1, Ordering::SeqCst);
        let (high, low) = (count >> 16 & 0xffff_ffff, count & 0xffff);
        format!("{high:08x}-{low:04x}-7000-8000-0000{:08x}", self.seed)
    }
}

/// Randomness that a seed repeats.
#[derive(Debug)]
pub struct SeededRng(Mutex<ChaCha8Rng>);

impl SeededRng {
    /// From a seed.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(ChaCha8Rng::seed_from_u64(seed)))
    }
}

impl Rng for SeededRng {
    fn next_u64(&self) -> u64 {
        self.0.lock().expect("no panic while the generator is held").next_u64()
    }
}
