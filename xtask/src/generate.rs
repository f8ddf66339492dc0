//! Generated files: made from the types, committed, and held fresh.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};

use crate::sh::{cargo, output, root, say};

/// Every generated file with the program that prints it.
fn sources() -> [(&'static str, [&'static str; 8]); 3] {
    [
        (
            "docs/protocol/openrpc.json",
            ["run", "--quiet", "--locked", "-p", "openclaw-cli", "--", "rpc", "--describe"],
        ),
        (
            "docs/protocol/openapi.json",
            ["run", "--quiet", "--locked", "-p", "openclaw-cli", "--", "rpc", "--describe-http"],
        ),
        (
            "docs/configuration/schema.json",
            ["run", "--quiet", "--locked", "-p", "openclaw-cli", "--", "config", "schema"],
        ),
    ]
}

/// Writes all of them anew.
pub(crate) fn write() -> Result<()> {
    for (path, arguments) in sources() {
        let file = root().join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&file, output(&mut cargo(arguments))?)
            .with_context(|| format!("cannot write {path}"))?;
        say(&format!("gen: {path}"));
    }
    Ok(())
}

/// What differs from what would be written.
pub(crate) fn stale() -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for (path, arguments) in sources() {
        let file: PathBuf = root().join(path);
        let fresh = output(&mut cargo(arguments))?;
        if fs::read_to_string(&file).ok().as_deref() != Some(fresh.as_str()) {
            findings.push(format!("{path} is stale: run `cargo xtask gen`"));
        }
    }
    Ok(findings)
}
