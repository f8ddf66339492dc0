use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Scope;

/// Who may call a method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Everybody, before authentication too.
    Public,
    /// Callers with this scope.
    Scope(Scope),
}

/// One method: its name with the types of its params and result.
pub trait Method: Send + Sync + 'static {
    /// The params: a closed object.
    type Params: Serialize + DeserializeOwned + JsonSchema + Send + 'static;
    /// The result.
    type Result: Serialize + DeserializeOwned + JsonSchema + Send + 'static;

    /// `resource.verb`.
    const NAME: &'static str;
    /// Who may call it.
    const ACCESS: Access;
    /// What it does, one or two sentences.
    const DESCRIPTION: &'static str;
}

/// A method as data.
#[derive(Clone, Copy)]
pub struct MethodInfo {
    /// `resource.verb`.
    pub name: &'static str,
    /// Who may call it.
    pub access: Access,
    /// What it does.
    pub description: &'static str,
    /// The schema of the params, for a generator of the deserialize contract.
    pub params: fn(&mut SchemaGenerator) -> Schema,
    /// The schema of the result, for a generator of the serialize contract.
    pub result: fn(&mut SchemaGenerator) -> Schema,
}

impl MethodInfo {
    /// What the type says.
    pub const fn of<M: Method>() -> Self {
        Self {
            name: M::NAME,
            access: M::ACCESS,
            description: M::DESCRIPTION,
            params: SchemaGenerator::subschema_for::<M::Params>,
            result: SchemaGenerator::subschema_for::<M::Result>,
        }
    }

    /// The snake-case alias; `None` where the name has no dot.
    pub fn alias(&self) -> Option<String> {
        self.name.contains('.').then(|| self.name.replace('.', "_"))
    }
}

impl std::fmt::Debug for MethodInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MethodInfo")
            .field("name", &self.name)
            .field("access", &self.access)
            .finish_non_exhaustive()
    }
}

/// Declares a method: `method! { /// doc Name, "resource.verb", access, Params => Result, "…" }`.
macro_rules! method {
    ($(#[$doc:meta])* $name:ident, $wire:literal, $access:expr, $params:ty => $result:ty, $description:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy)]
        pub struct $name;

        impl $crate::Method for $name {
            type Params = $params;
            type Result = $result;
            const NAME: &'static str = $wire;
            const ACCESS: $crate::Access = $access;
            const DESCRIPTION: &'static str = $description;
        }
    };
}
pub(crate) use method;
