use std::sync::Arc;

use openclaw_protocol::ScopeSet;

use super::Grant;

/// A caller that is known.
#[derive(Debug, Clone)]
pub struct Principal {
    /// The credential's name; runs and idempotency keys belong to it.
    pub name: Arc<str>,
    /// What it may do.
    pub scopes: ScopeSet,
    /// For how long.
    pub grant: Grant,
}

impl Principal {
    /// One that stays until its grant is ended.
    pub fn new(name: impl Into<Arc<str>>, scopes: ScopeSet, grant: Grant) -> Self {
        Self { name: name.into(), scopes, grant }
    }

    /// The owner in the gateway's own process.
    pub fn owner() -> Self {
        Self::owner_with(Grant::lasting())
    }

    /// The owner, who has the gateway token or the password.
    pub(super) fn owner_with(grant: Grant) -> Self {
        Self::new("owner", ScopeSet::all(), grant)
    }
}
