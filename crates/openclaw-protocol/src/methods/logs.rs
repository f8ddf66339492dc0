use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::method::method;
use crate::{Access, Scope};

method! {
    /// `logs.tail`.
    LogsTail, "logs.tail", Access::Scope(Scope::Read), LogsTailParams => LogsTailResult,
    "Reads the gateway's log: its last lines, or those after a cursor."
}

/// The params of `logs.tail`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LogsTailParams {
    /// Where to go on, from an earlier result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<u64>,
    /// The most lines, 1 to 5,000; default 500.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// The most bytes, 1 to 1,000,000; default 250,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_bytes: Option<u64>,
}

/// The result of `logs.tail`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogsTailResult {
    /// The file.
    pub file: String,
    /// Where to go on.
    pub cursor: u64,
    /// The size of the file in bytes.
    pub size: u64,
    /// Whole lines, each a JSON object.
    pub lines: Vec<String>,
    /// Whether lines before these were left out.
    pub truncated: bool,
    /// Whether the file is another one than the cursor was of, so that these are its last lines.
    pub reset: bool,
}
