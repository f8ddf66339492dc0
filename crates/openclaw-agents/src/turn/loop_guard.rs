use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Map, Value};

/// The same call with the same result this often gets a warning.
const WARN_AT: u32 = 10;

/// And this often ends the turn.
const STOP_AT: u32 = 20;

/// Notices a model that goes in circles.
#[derive(Debug, Default)]
pub(super) struct LoopGuard(HashMap<u64, u32>);

/// What to do about a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    Fine,
    Warn,
    Stop,
}

impl LoopGuard {
    /// Counts a call with its result.
    pub(super) fn observe(
        &mut self,
        name: &str,
        arguments: &Map<String, Value>,
        result: &str,
    ) -> Verdict {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        for (key, value) in arguments {
            key.hash(&mut hasher);
            value.hash(&mut hasher);
        }
        result.hash(&mut hasher);
        let count = self.0.entry(hasher.finish()).or_default();
        *count += 1;
        match *count {
            STOP_AT.. => Verdict::Stop,
            WARN_AT => Verdict::Warn,
            _ => Verdict::Fine,
        }
    }
}

/// What the model is told at the warning.
pub(super) const WARNING: &str = "\n[this call has given this same result 10 times; do something else, or answer with what is known]";
