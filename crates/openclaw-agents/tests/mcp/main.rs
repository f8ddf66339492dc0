//! Our MCP client under the protocol's own conformance suite, and with servers that others wrote.

mod conformance;
mod servers;

use std::path::PathBuf;

/// The folder that the suite and the servers were installed in, with a Node that they run on.
#[expect(clippy::disallowed_methods, reason = "where tools are is told by the environment")]
fn installed(variable: &str) -> Option<PathBuf> {
    let found = std::env::var(variable).ok();
    let is_needed = std::env::var("CI").as_deref() == Ok("true");
    assert!(found.is_some() || !is_needed, "{variable} is not set");
    found.map(PathBuf::from)
}
