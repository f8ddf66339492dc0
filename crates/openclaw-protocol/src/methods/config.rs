use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{NoParams, ReloadResult};
use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `config.get`.
    ConfigGet, "config.get", Access::Scope(Scope::Read), ConfigGetParams => ConfigGetResult,
    "Gives the configuration in effect, or one key of it. Secrets are masked."
}
method! {
    /// `config.set`.
    ConfigSet, "config.set", Access::Scope(Scope::Admin), ConfigSetParams => ConfigSetResult,
    "Writes one key to the file, keeping its comments, and applies it. A value that does not validate changes nothing."
}
method! {
    /// `config.schema`.
    ConfigSchema, "config.schema", Access::Scope(Scope::Read), NoParams => ConfigSchemaResult,
    "Gives the JSON Schema of the configuration, channels included."
}

/// The params of `config.get`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigGetParams {
    /// A dotted key such as `gateway.port`; default everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// The result of `config.get`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigGetResult {
    /// The key asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// Its value; secrets are `"***"`.
    pub value: Value,
    /// The file; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// The params of `config.set`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfigSetParams {
    /// A dotted key such as `gateway.port`.
    pub key: String,
    /// The new value; null removes the key.
    #[serde(deserialize_with = "Value::deserialize")]
    pub value: Value,
}

/// The result of `config.set`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigSetResult {
    /// The file that was written.
    pub file: String,
    /// What the change did.
    pub reload: ReloadResult,
}

/// The result of `config.schema`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ConfigSchemaResult {
    /// The JSON Schema.
    pub schema: Value,
}
