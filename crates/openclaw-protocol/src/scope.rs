use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a credential may do.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub enum Scope {
    /// Read sessions, messages and state.
    #[serde(rename = "operator.read")]
    Read,
    /// Talk to the agent, send messages, change sessions. Implies `operator.read`.
    #[serde(rename = "operator.write")]
    Write,
    /// Everything.
    #[serde(rename = "operator.admin")]
    Admin,
    /// Answer approvals.
    #[serde(rename = "operator.approvals")]
    Approvals,
    /// See and approve pairing requests.
    #[serde(rename = "operator.pairing")]
    Pairing,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] =
        [Self::Read, Self::Write, Self::Admin, Self::Approvals, Self::Pairing];

    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "operator.read",
            Self::Write => "operator.write",
            Self::Admin => "operator.admin",
            Self::Approvals => "operator.approvals",
            Self::Pairing => "operator.pairing",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Self::Read => 1,
            Self::Write => 2,
            Self::Admin => 4,
            Self::Approvals => 8,
            Self::Pairing => 16,
        }
    }
}

impl std::fmt::Display for Scope {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The scopes of a credential. On the wire a list of names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScopeSet(u8);

impl ScopeSet {
    /// No scope.
    pub const NONE: Self = Self(0);

    /// Every scope: the owner's.
    pub fn all() -> Self {
        Scope::ALL.into_iter().collect()
    }

    /// Whether the scope is granted, itself or by one that implies it.
    pub fn allows(self, scope: Scope) -> bool {
        let granted = |scope: Scope| self.0 & scope.bit() != 0;
        granted(scope) || granted(Scope::Admin) || (scope == Scope::Read && granted(Scope::Write))
    }

    /// What both grant: a caller can hand on no more than it has.
    #[must_use]
    pub fn bounded_by(self, other: Self) -> Self {
        self.iter().filter(|scope| other.allows(*scope)).collect()
    }

    /// The scopes themselves, without those they imply.
    pub fn iter(self) -> impl Iterator<Item = Scope> {
        Scope::ALL.into_iter().filter(move |scope| self.0 & scope.bit() != 0)
    }
}

impl FromIterator<Scope> for ScopeSet {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self(scopes.into_iter().fold(0, |bits, scope| bits | scope.bit()))
    }
}

impl Serialize for ScopeSet {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for ScopeSet {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::<Scope>::deserialize(deserializer)?.into_iter().collect())
    }
}

impl JsonSchema for ScopeSet {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "ScopeSet".into()
    }

    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        Vec::<Scope>::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::{Scope, ScopeSet};

    #[test]
    fn admin_implies_all_and_write_implies_read() {
        let admin: ScopeSet = [Scope::Admin].into_iter().collect();
        assert!(Scope::ALL.into_iter().all(|scope| admin.allows(scope)));
        let write: ScopeSet = [Scope::Write].into_iter().collect();
        let allowed: Vec<_> = Scope::ALL.into_iter().filter(|scope| write.allows(*scope)).collect();
        assert_eq!(allowed, [Scope::Read, Scope::Write]);
        assert!(!ScopeSet::NONE.allows(Scope::Read));
    }

    #[test]
    fn nobody_hands_on_more_than_they_have() {
        for granted in 0..32 {
            for held in 0..32 {
                let bounded = ScopeSet(granted).bounded_by(ScopeSet(held));
                for scope in Scope::ALL {
                    assert!(!bounded.allows(scope) || ScopeSet(held).allows(scope));
                }
            }
        }
    }
}
