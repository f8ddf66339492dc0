//! What the agent can do besides talking: the [`Tool`] trait, the registry, the policy, and the
//! file tools.
//!
//! Arguments are typed and their JSON Schema comes from the type; the registry erases them. Every
//! path from a model passes one opener, [`Workspace`], that cannot leave the workspace. A tool that
//! acts on a higher thing (sessions, channels, memory) lives with that thing and joins the registry
//! there.
//!
//! Tools that are found out at run time come from a [`ToolSource`].
//!
//! To add a tool: one file with its `Args`, its [`Tool`] impl and tests, and a line where the
//! registry is filled. Its group, if it has one, is in `policy/group.rs`.

pub mod approvals;
mod blocking;
pub mod commands;
pub mod egress;
pub mod files;
mod names;
mod opener;
mod platform;
mod policy;
mod registry;
pub mod sandbox;
mod source;
mod stranger;
mod tool;
pub mod web;

pub use blocking::{Stop, StopReason, Stopped, run_blocking};
pub use names::canonical_tool_name;
pub use opener::{OpenError, OpenedFile, Workspace};
pub use policy::{Asker, Decision, ToolPolicy};
pub use registry::{ToolRegistry, ToolRegistryBuilder};
pub use source::ToolSource;
pub use stranger::quoted;
pub use tool::{Tool, ToolCall, ToolContext, ToolDefinition, ToolError, ToolOutput};
