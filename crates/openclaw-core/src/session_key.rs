use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::AgentId;

/// A text that is no session key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid session key {0:?}: expected agent:<agent id>:<1 to 256 of a-z 0-9 : _ . @ + ~ ->")]
pub struct InvalidSessionKey(pub String);

/// What messages are routed to: `agent:<agent id>:<rest>`, lower-case.
///
/// In `rest` everything but `a-z 0-9 : _ . @ + ~ -` is percent-encoded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, schemars::JsonSchema)]
#[serde(transparent)]
pub struct SessionKey(String);

impl SessionKey {
    /// The longest `rest`, in bytes after encoding.
    pub const MAX_REST: usize = 256;

    /// Makes a key from an agent and a rest, which is lower-cased and percent-encoded.
    ///
    /// # Errors
    /// When the rest is empty or, encoded, longer than [`Self::MAX_REST`].
    pub fn new(agent: &AgentId, rest: &str) -> Result<Self, InvalidSessionKey> {
        let encoded = encode(rest);
        if encoded.is_empty() || encoded.len() > Self::MAX_REST {
            return Err(InvalidSessionKey(rest.chars().take(80).collect()));
        }
        Ok(Self(format!("agent:{agent}:{encoded}")))
    }

    /// Parses `agent:<agent id>:<rest>`; upper case is lowered, what is not allowed in `rest` is encoded.
    ///
    /// # Errors
    /// When the form is another, or a part is empty or too long.
    pub fn parse(text: &str) -> Result<Self, InvalidSessionKey> {
        let invalid = || InvalidSessionKey(text.chars().take(80).collect());
        let lowered = text.to_lowercase();
        let (agent, rest) = lowered
            .strip_prefix("agent:")
            .and_then(|tail| tail.split_once(':'))
            .ok_or_else(invalid)?;
        let agent = AgentId::new(agent).map_err(|_| invalid())?;
        Self::new(&agent, rest)
    }

    /// The agent's main session, `agent:<agent>:main`.
    pub fn main(agent: &AgentId) -> Self {
        Self(format!("agent:{agent}:main"))
    }

    /// A chat or user id as one segment of a key: lower-case and encoded, `:` included; where
    /// lower-casing changes it, it is too long, or it holds the `%` or `~` that this writing itself
    /// uses, `~` and 8 hex digits of its SHA-256 keep two such ids apart.
    pub fn segment(id: &str) -> String {
        let lowered = id.to_lowercase();
        let mut encoded = encode(&lowered).replace(':', "%3a");
        // A segment must leave room for the rest of the key.
        const LONGEST: usize = 96;
        if lowered != id || encoded.len() > LONGEST || id.contains(['%', '~']) {
            let digest = hex::encode(&Sha256::digest(id.as_bytes())[..4]);
            let mut cut = encoded.len().min(LONGEST);
            while !encoded.is_char_boundary(cut) {
                cut -= 1;
            }
            encoded.truncate(cut);
            encoded.push('~');
            encoded.push_str(&digest);
        }
        encoded
    }

    /// The whole key.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The agent.
    pub fn agent_id(&self) -> AgentId {
        self.0
            .split(':')
            .nth(1)
            .and_then(|agent| AgentId::new(agent).ok())
            .unwrap_or_else(AgentId::main)
    }

    /// What follows the agent.
    pub fn rest(&self) -> &str {
        self.0.splitn(3, ':').nth(2).unwrap_or_default()
    }

    /// Whether this is an agent's main session.
    pub fn is_main(&self) -> bool {
        self.rest() == "main"
    }
}

fn encode(rest: &str) -> String {
    let lowered = rest.to_lowercase();
    let bytes = lowered.as_bytes();
    let mut encoded = String::with_capacity(lowered.len());
    for (index, byte) in bytes.iter().enumerate() {
        let hex_at = |i: usize| bytes.get(i).is_some_and(u8::is_ascii_hexdigit);
        let is_escape = *byte == b'%' && hex_at(index + 1) && hex_at(index + 2);
        if byte.is_ascii_lowercase()
            || byte.is_ascii_digit()
            || b":_.@+~-".contains(byte)
            || is_escape
        {
            encoded.push(char::from(*byte));
        } else {
            encoded.push_str(&format!("%{byte:02x}"));
        }
    }
    encoded
}

impl fmt::Display for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SessionKey {
    type Err = InvalidSessionKey;
    fn from_str(text: &str) -> Result<Self, InvalidSessionKey> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for SessionKey {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::SessionKey;

    #[test]
    fn keys_are_lowered_encoded_and_idempotent() {
        let key = SessionKey::parse("agent:Main:Telegram:group:-100 5/ä").expect("valid");
        assert_eq!(key.as_str(), "agent:main:telegram:group:-100%205%2f%c3%a4");
        assert_eq!(SessionKey::parse(key.as_str()).expect("valid"), key);
        assert_eq!(key.agent_id().as_str(), "main");
        assert_eq!(key.rest(), "telegram:group:-100%205%2f%c3%a4");
    }

    #[test]
    fn wrong_forms_are_refused() {
        for bad in ["", "main", "agent:main", "agent::x", "agent:main:", "user:main:x"] {
            assert!(SessionKey::parse(bad).is_err(), "{bad}");
        }
        assert!(SessionKey::parse(&format!("agent:main:{}", "x".repeat(257))).is_err());
        assert!(SessionKey::parse(&format!("agent:main:{}", "x".repeat(256))).is_ok());
    }

    #[test]
    fn ids_that_differ_only_by_case_get_different_segments() {
        assert_eq!(SessionKey::segment("-1001"), "-1001");
        let (upper, lower) = (SessionKey::segment("C0AB"), SessionKey::segment("c0ab"));
        assert_ne!(upper, lower);
        assert!(upper.starts_with("c0ab~") && upper.len() == "c0ab~".len() + 8);
        assert_eq!(SessionKey::segment("a:b"), "a%3ab");
        assert_ne!(SessionKey::segment("a%3ab"), "a%3ab");
        assert_ne!(SessionKey::segment(&upper), upper);
    }
}
