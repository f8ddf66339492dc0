use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An agent as a model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Model {
    /// `openclaw`, or `openclaw/<agent>`.
    pub id: String,
    /// Always `model`.
    pub object: String,
    /// When the gateway started, in seconds since 1970.
    pub created: i64,
    /// Always `openclaw`.
    pub owned_by: String,
}

/// All agents as models.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModelList {
    /// Always `list`.
    pub object: String,
    /// The models.
    pub data: Vec<Model>,
}
