use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use openclaw_core::{SessionId, Usage};

use super::Measured;

/// Bytes that make a token of a model that has not reported any: careful for prose and code.
const UNKNOWN: f64 = 3.0;

/// Other vocabularies than the one that is counted with make more tokens of a text.
const FOREIGN: f64 = 0.85;

/// What a report may say and be believed. Servers that count nothing report a fixed number.
const PLAUSIBLE: std::ops::RangeInclusive<f64> = 0.5..=12.0;

/// What is made of a report that is believed.
const LEAST: f64 = 2.0;
const MOST: f64 = 6.0;

/// Requests smaller than this say little about the next ones.
const SMALLEST: usize = 2 * 1024;

/// More models and sessions than are busy at once; what is known of others is learned again.
const MODELS: usize = 256;
const SESSIONS: usize = 4_096;

/// What is learned of models from what their providers report, and of sessions.
#[derive(Debug, Default)]
pub(crate) struct Ratios {
    models: Mutex<HashMap<String, Learned>>,
    sessions: Mutex<HashMap<SessionId, Measured>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Learned {
    bytes_per_token: Option<f64>,
    /// A request of so many bytes was too long.
    too_long: Option<usize>,
}

impl Ratios {
    /// Bytes of a session's request that make a token of this model.
    pub(crate) fn bytes_per_token(&self, model: &str, session: &SessionId) -> f64 {
        match (self.of(model).bytes_per_token, self.measured(session)) {
            (Some(reported), Some(measured)) => reported.min(measured.bytes_per_token),
            (Some(reported), None) => reported,
            (None, Some(measured)) => (measured.bytes_per_token * FOREIGN).min(MOST),
            (None, None) => UNKNOWN,
        }
    }

    /// The bytes of a request that this model refused as too long.
    pub(crate) fn too_long(&self, model: &str) -> Option<usize> {
        self.of(model).too_long
    }

    /// What is known of a session's tokens.
    pub(crate) fn measured(&self, session: &SessionId) -> Option<Measured> {
        let sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(session).copied()
    }

    /// Keeps what was counted of a session.
    pub(crate) fn keep(&self, session: &SessionId, measured: Measured) {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS && !sessions.contains_key(session) {
            sessions.clear();
        }
        sessions.insert(session.clone(), measured);
    }

    /// Learns from a reply to a request of so many bytes. Answers the ratio, where it is believed.
    pub(crate) fn replied(&self, model: &str, bytes: usize, usage: &Usage) -> Option<f64> {
        if bytes < SMALLEST || usage.input_tokens == 0 {
            return None;
        }
        let ratio = bytes as f64 / usage.input_tokens as f64;
        if !PLAUSIBLE.contains(&ratio) {
            return None;
        }
        self.learn(model, |learned| {
            learned.bytes_per_token = Some(ratio.clamp(LEAST, MOST));
            // Its provider takes more now than it did.
            learned.too_long = learned.too_long.filter(|refused| *refused > bytes);
        });
        Some(ratio.clamp(LEAST, MOST))
    }

    /// Learns that a request of so many bytes is too long for this model.
    pub(crate) fn refused(&self, model: &str, bytes: usize) {
        self.learn(model, |learned| {
            let before = learned.too_long.unwrap_or(usize::MAX);
            learned.too_long = Some(before.min(bytes));
        });
    }

    fn of(&self, model: &str) -> Learned {
        let learned = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        learned.get(model).copied().unwrap_or_default()
    }

    fn learn(&self, model: &str, change: impl FnOnce(&mut Learned)) {
        let mut learned = self.models.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = learned.get_mut(model) {
            change(known);
            return;
        }
        if learned.len() >= MODELS {
            learned.clear();
        }
        change(learned.entry(model.to_owned()).or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::{Measured, Ratios};
    use openclaw_core::{SessionId, Usage};

    fn session(name: &str) -> SessionId {
        SessionId::new(name).expect("valid")
    }

    fn usage(input_tokens: u64) -> Usage {
        Usage { input_tokens, ..Usage::default() }
    }

    #[test]
    fn reports_are_believed_within_reason() {
        let ratios = Ratios::default();
        for (bytes, tokens, expected) in [
            (40_000, 0, 3.0),
            (40_000, 10, 3.0),
            (1_000, 250, 3.0),
            (40_000, 10_000, 4.0),
            (40_000, 30_000, 2.0),
            (40_000, 5_000, 6.0),
            (40_000, 1_000_000, 6.0),
        ] {
            ratios.replied("a/b", bytes, &usage(tokens));
            let ratio = ratios.bytes_per_token("a/b", &session("s"));
            assert!((ratio - expected).abs() < 1e-9, "{bytes} {tokens} {ratio}");
        }
        let ratio = ratios.bytes_per_token("a/c", &session("s"));
        assert!((ratio - 3.0).abs() < 1e-9, "models are kept apart");
    }

    #[test]
    fn what_was_counted_of_a_session_counts_where_it_is_less() {
        let ratios = Ratios::default();
        ratios.keep(&session("s"), Measured { bytes_per_token: 4.0, at: 10_000 });
        let ratio = |name: &str| ratios.bytes_per_token("a/b", &session(name));
        assert!((ratio("s") - 3.4).abs() < 1e-9);
        assert!((ratio("t") - 3.0).abs() < 1e-9);
        ratios.replied("a/b", 50_000, &usage(10_000));
        assert!((ratio("s") - 4.0).abs() < 1e-9);
        assert!((ratio("t") - 5.0).abs() < 1e-9);
    }

    #[test]
    fn a_refusal_holds_until_as_much_is_taken() {
        let ratios = Ratios::default();
        ratios.refused("a/b", 50_000);
        ratios.refused("a/b", 60_000);
        assert_eq!(ratios.too_long("a/b"), Some(50_000));
        ratios.replied("a/b", 40_000, &usage(10_000));
        assert_eq!(ratios.too_long("a/b"), Some(50_000));
        ratios.replied("a/b", 55_000, &usage(10_000));
        assert_eq!(ratios.too_long("a/b"), None);
    }
}
