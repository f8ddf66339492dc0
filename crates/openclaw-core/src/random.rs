use std::fmt;

/// Where new ids come from.
pub trait IdGen: Send + Sync + fmt::Debug {
    /// A fresh UUIDv7 as hyphenated lower-case text; later calls sort after earlier ones.
    fn new_id(&self) -> String;
}

/// Where randomness for jitter and codes comes from.
pub trait Rng: Send + Sync + fmt::Debug {
    /// 64 random bits.
    fn next_u64(&self) -> u64;

    /// A number in `0..bound`; 0 when `bound` is 0.
    fn below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.next_u64() % bound }
    }
}

/// Ids from the machine's clock and random source.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemIds;

impl IdGen for SystemIds {
    #[expect(clippy::disallowed_methods, reason = "the one place that makes ids from the clock")]
    fn new_id(&self) -> String {
        uuid::Uuid::now_v7().to_string()
    }
}

/// Randomness from the operating system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRng;

impl Rng for SystemRng {
    fn next_u64(&self) -> u64 {
        // Without randomness nothing here is safe to go on with: pairing codes come from it.
        getrandom::u64().expect("the operating system's random source works")
    }
}
