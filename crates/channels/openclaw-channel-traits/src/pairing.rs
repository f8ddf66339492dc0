//! Codes by which the owner lets unknown people in.
//!
//! A person has one code at a time. It is shown when it is made, not on every message: otherwise
//! anybody could have the assistant write as often as they do. How often codes may be tried is
//! limited where they are approved.

use std::time::Duration;

use openclaw_core::{Rng, Timestamp};

use crate::PairingState;

/// How long a code works.
pub const LIFETIME: Duration = Duration::from_secs(60 * 60);
/// The length of a code.
pub const LENGTH: usize = 8;
// Without I, O, 0 and 1, which people take for one another. 32 letters, so that none is likelier.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// What to do for a person who needs pairing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PairingStep {
    /// Store this code and show it to the person.
    Show {
        /// The code.
        code: String,
        /// When it stops working.
        expires_at: Timestamp,
    },
    /// The person has a code that works still: say nothing.
    Wait,
}

/// Decides what to do for a person who wrote and needs pairing.
pub fn request(state: Option<&PairingState>, now: Timestamp, rng: &dyn Rng) -> PairingStep {
    match state {
        Some(PairingState::Requested { expires_at, .. }) if *expires_at > now => PairingStep::Wait,
        Some(PairingState::Requested { .. } | PairingState::Approved) | None => {
            PairingStep::Show { code: new_code(rng), expires_at: now.plus(LIFETIME) }
        }
    }
}

/// A fresh code: 40 random bits.
pub fn new_code(rng: &dyn Rng) -> String {
    let bits = rng.next_u64();
    let letter = |index: usize| {
        let five_bits = (bits >> (index * 5)) & 31;
        // 5 bits are an index into 32 letters.
        char::from(ALPHABET[usize::try_from(five_bits).unwrap_or(0)])
    };
    (0..LENGTH).map(letter).collect()
}

/// A code as people type it, made comparable: upper case, without spaces and hyphens. `None` where
/// it cannot be a code.
pub fn normalise(typed: &str) -> Option<String> {
    let code: String = typed
        .chars()
        .filter(|c| !c.is_whitespace() && *c != '-')
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let is_code = code.len() == LENGTH && code.bytes().all(|byte| ALPHABET.contains(&byte));
    is_code.then_some(code)
}

/// What an unknown person is told.
pub fn message(code: &str) -> String {
    let minutes = LIFETIME.as_secs() / 60;
    format!(
        "Hello. I only talk to people whom my owner knows.\n\nYour pairing code: `{code}`\n\nMy owner \
         can let you in with `openclaw pairing approve {code}`. The code works for {minutes} minutes."
    )
}

#[cfg(test)]
mod tests {
    use openclaw_testkit::SeededRng;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_code_at_a_time() {
        let rng = SeededRng::new(1);
        let now = Timestamp::from_millis(1_000_000);
        let PairingStep::Show { code, expires_at } = request(None, now, &rng) else {
            panic!("an unknown person is shown a code")
        };
        assert_eq!(expires_at, now.plus(Duration::from_secs(3_600)));
        let state = PairingState::Requested { code: code.clone(), expires_at };
        let before = expires_at.minus(Duration::from_millis(1));
        assert_eq!(request(Some(&state), before, &rng), PairingStep::Wait);
        let PairingStep::Show { code: next, .. } = request(Some(&state), expires_at, &rng) else {
            panic!("an expired code is replaced")
        };
        assert_ne!(next, code);
    }

    #[test]
    fn the_message_names_the_code_and_the_command() {
        insta::assert_snapshot!(message("ABCD2345"), @r"
        Hello. I only talk to people whom my owner knows.

        Your pairing code: `ABCD2345`

        My owner can let you in with `openclaw pairing approve ABCD2345`. The code works for 60 minutes.
        ");
    }

    proptest! {
        #[test]
        fn codes_are_read_back_however_they_are_typed(seed in any::<u64>()) {
            let code = new_code(&SeededRng::new(seed));
            prop_assert_eq!(code.len(), LENGTH);
            prop_assert_eq!(normalise(&code), Some(code.clone()));
            let typed = format!(" {}-{} ", &code[..4].to_lowercase(), &code[4..]);
            prop_assert_eq!(normalise(&typed), Some(code.clone()));
            prop_assert_eq!(normalise(&code[1..]), None);
            prop_assert_eq!(normalise(&format!("{}0", &code[1..])), None);
        }
    }
}
