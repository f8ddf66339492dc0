//! JSON-RPC dispatch: one file per method, `rpc/<resource>/<verb>.rs`, each working on
//! [`crate::GatewayState`] with typed params. The wire knows no method and methods know no wire.
//!
//! To add a method: state it in `openclaw-protocol`, write its file, add its line in `dispatch`.

mod agent;
mod approval;
mod authenticate;
mod backup;
mod caller;
mod channel;
mod config;
mod cron;
mod device;
mod dispatch;
mod gateway;
mod hypothetical;
mod keys;
mod logs;
mod memory;
mod message;
mod models;
mod pairing;
mod route;
mod session;
mod stored_error;
mod subscription;
mod tool;
mod usage;

pub use caller::Caller;
pub(crate) use caller::unauthenticated;
pub(crate) use channel::describe::{describe as describe_channel, word as describe_channel_state};
pub(crate) use cron::describe::describe as describe_job;
pub(crate) use device::{tell_requested, tell_resolved};
pub(crate) use dispatch::{Handler, call, lacks, take_turn_of};
pub use dispatch::{answer, may_wait, refuse};
pub(crate) use gateway::status::rss_bytes;
pub(crate) use message::send::send as send_message;
pub(crate) use models::list::configured as configured_models;
pub use models::list::list as list_models;
pub use models::probe::probe as probe_models;
pub use models::status::status as models_status;
pub(crate) use stored_error::as_error;
pub(crate) use tool::call::{CallPolicy, policy_of as tool_policy_of};
