//! The methods by resource: params, results, and the types that name them.

mod agent;
mod approval;
mod authenticate;
mod backup;
mod channel;
mod config;
mod cron;
mod device;
mod gateway;
mod keys;
mod logs;
mod memory;
mod message;
mod models;
mod pairing;
mod ping;
mod route;
mod rpc;
mod session;
mod subscription;
mod tool;
mod usage;

pub use agent::*;
pub use approval::*;
pub use authenticate::*;
pub use backup::*;
pub use channel::*;
pub use config::*;
pub use cron::*;
pub use device::*;
pub use gateway::*;
pub use keys::*;
pub use logs::*;
pub use memory::*;
pub use message::*;
pub use models::*;
pub use pairing::*;
pub use ping::*;
pub use route::*;
pub use rpc::*;
pub use session::*;
pub use subscription::*;
pub use tool::*;
pub use usage::*;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Params of methods that take none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoParams {}

/// The result of methods that have nothing to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
pub struct Empty {}
