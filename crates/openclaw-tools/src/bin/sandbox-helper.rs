//! The sandbox's helper as a program of its own, for tests of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    openclaw_tools::sandbox::run_helper(&arguments).unwrap_or(ExitCode::from(2))
}
