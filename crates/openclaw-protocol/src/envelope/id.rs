use std::fmt;

use serde_json::value::RawValue;

/// The id of a request: a string, a number or null, kept as the JSON the client wrote, so that a
/// number beyond 2^53 or with a fraction comes back unchanged.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Id(Box<str>);

impl Id {
    /// The null id.
    pub fn null() -> Self {
        Self("null".into())
    }

    /// The id as JSON.
    pub fn as_json(&self) -> &str {
        &self.0
    }

    /// The id as a whole number, for clients that number their requests.
    pub fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok()
    }

    /// `None` for what is no id: an object, an array, a boolean.
    pub(crate) fn from_raw(raw: &RawValue) -> Option<Self> {
        let json = raw.get();
        let is_id = json == "null"
            || json.starts_with(|c: char| c == '"' || c == '-' || c.is_ascii_digit());
        is_id.then(|| Self(json.into()))
    }
}

impl From<u64> for Id {
    fn from(number: u64) -> Self {
        Self(number.to_string().into())
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
