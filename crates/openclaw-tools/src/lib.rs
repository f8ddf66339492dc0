//! What the agent can do besides talking: the [`Tool`] trait, the registry, the policy, and the
//! file tools.
//!
//! Arguments are typed and their JSON Schema comes from the type; the registry erases them. Every
//! path from a model passes one opener that cannot leave the workspace. A tool that acts on a
//! higher thing (sessions, channels, memory) lives with that thing and joins the registry there.
//!
//! To add a tool: one file with its `Args`, its [`Tool`] impl and tests, and a line where the
//! registry is filled.

mod tool;

pub use tool::{Tool, ToolCall, ToolContext, ToolDefinition, ToolError, ToolOutput};
