//! Every chore of the project: `cargo xtask <run|test|ci|tidy|gen|bench>`.

mod bench;
mod ci;
mod generate;
mod run;
mod sh;
mod test;
mod tidy;
mod tools;

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The chores of OpenClaw", version)]
struct Arguments {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Build the release binary and start the assistant in the foreground.
    Run(run::RunArguments),
    /// Install what the tests need and run them all.
    Test(test::TestArguments),
    /// What CI runs: formatting, clippy, tidy, tests, documentation, instruction counts.
    Ci,
    /// Check layers, file sizes and that generated files are fresh.
    Tidy,
    /// Write the generated files anew.
    Gen,
    /// Measure the built binary against its budgets.
    Bench(bench::BenchArguments),
}

fn main() -> Result<()> {
    match Arguments::parse().chore {
        Chore::Run(arguments) => run::run(&arguments),
        Chore::Test(arguments) => test::test(&arguments),
        Chore::Ci => ci::ci(),
        Chore::Tidy => tidy::tidy(),
        Chore::Gen => generate::write(),
        Chore::Bench(arguments) => bench::bench(&arguments),
    }
}
