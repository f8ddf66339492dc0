use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::NoParams;
use crate::Access;
use crate::method::method;

method! {
    /// `ping`.
    Ping, "ping", Access::Public, NoParams => PingResult,
    "Answers. Needs no credential."
}

/// The result of `ping`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PingResult {
    /// Always true.
    pub pong: bool,
}
