//! `cargo xtask bench`: the rows of the budget table, measured on the built binary.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use crate::run::{build_release, target_folder};
use crate::sh::{cargo, output, root, run, say};
use crate::tools::cache_folder;

/// The version must be the one of the `gungraun` crate.
const RUNNER: &str = "0.20.0";

#[derive(Args)]
pub(crate) struct BenchArguments {
    /// Turns of the long run.
    #[arg(long, default_value_t = 10_000)]
    turns: u64,
    /// Also measure this peer in the same run, with the kit in this folder.
    #[arg(long, value_parser = ["ts"], requires = "kit")]
    against: Option<String>,
    /// The folder of the benchmark kit; its `install-ts.sh` must have been run.
    #[arg(long)]
    kit: Option<PathBuf>,
}

/// Instruction counts of the hot paths under callgrind, held against their limits.
pub(crate) fn instructions() -> Result<()> {
    let runner = ensure_runner()?;
    run(cargo(["bench", "--locked", "-p", "openclaw-benches", "--bench", "instructions"])
        .env("GUNGRAUN_RUNNER", runner))
}

fn ensure_runner() -> Result<PathBuf> {
    let folder = cache_folder()?.join("gungraun");
    let runner = folder.join("bin/gungraun-runner");
    let is_there = Command::new(&runner)
        .arg("--version")
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains(RUNNER));
    if !is_there {
        run(cargo(["install", "--quiet", "--locked", "gungraun-runner", "--version", RUNNER])
            .arg("--root")
            .arg(&folder))?;
    }
    Ok(runner)
}

pub(crate) fn bench(arguments: &BenchArguments) -> Result<()> {
    let binary = build_release()?;
    run(&mut cargo([
        "build",
        "--release",
        "--locked",
        "-p",
        "openclaw-benches",
        "--bin",
        "measure",
    ]))?;
    let measured = run(Command::new(target_folder()?.join("release/measure"))
        .arg(&binary)
        .args(["--turns", &arguments.turns.to_string()]));
    if let (Some(_), Some(kit)) = (&arguments.against, &arguments.kit) {
        against_ts(&binary, kit)?;
    }
    measured
}

/// Runs the kit against both gateways, one after the other, on this machine.
fn against_ts(binary: &std::path::Path, kit: &std::path::Path) -> Result<()> {
    let results = target_folder()?.join("bench");
    std::fs::create_dir_all(&results)?;
    for (name, target) in [("ts", "openclaw-217-fresh.json"), ("rs", "openclaw-rs-jsonrpc.json")] {
        let target = kit.join("targets").join(target);
        if !target.exists() {
            bail!("{} is missing; run install-ts.sh of the kit first", target.display());
        }
        run(Command::new("node")
            .arg(kit.join("bench-gateway.mjs"))
            .arg("--target")
            .arg(target)
            .arg("--out")
            .arg(results.join(format!("{name}.json")))
            .args(["--runs", "1"])
            .env("OPENCLAW_BIN", binary)
            .current_dir(root()))?;
    }
    let summary = output(
        Command::new("python3")
            .arg(kit.join("summarize.py"))
            .arg(results.join("ts.json"))
            .arg(results.join("rs.json")),
    )
    .context("the kit could not summarise its results")?;
    say(&summary);
    Ok(())
}
