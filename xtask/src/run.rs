//! `cargo xtask run`.

use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::sh::{cargo, output, root, run as run_command};

#[derive(Args)]
pub(crate) struct RunArguments {
    /// Passed on to `openclaw gateway run`.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    rest: Vec<String>,
}

pub(crate) fn run(arguments: &RunArguments) -> Result<()> {
    let binary = build_release()?;
    let error = Command::new(&binary).args(["gateway", "run"]).args(&arguments.rest).exec();
    Err(error).with_context(|| format!("cannot start {}", binary.display()))
}

/// Builds the release binary and gives its path.
pub(crate) fn build_release() -> Result<PathBuf> {
    run_command(&mut cargo(["build", "--release", "--locked", "-p", "openclaw-cli"]))?;
    Ok(target_folder()?.join("release/openclaw"))
}

/// Cargo's target folder.
pub(crate) fn target_folder() -> Result<PathBuf> {
    let text = output(&mut cargo(["metadata", "--format-version=1", "--no-deps", "--offline"]))?;
    let metadata: serde_json::Value = serde_json::from_str(&text)?;
    Ok(metadata["target_directory"].as_str().map_or_else(|| root().join("target"), PathBuf::from))
}
