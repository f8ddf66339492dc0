//! Measures a built `openclaw` and prints figure, budget and verdict of every row.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use openclaw_benches::figures::{Figure, measure, measure_turns};

#[derive(Parser)]
struct Arguments {
    /// The program.
    program: PathBuf,
    /// Turns of the long run.
    #[arg(long, default_value_t = 10_000)]
    turns: u64,
    /// Measure only turns one after another.
    #[arg(long)]
    only_turns: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let figures = if arguments.only_turns {
        measure_turns(&arguments.program).await?
    } else {
        measure(&arguments.program, arguments.turns).await?
    };
    print(&figures, arguments.json)?;
    let all_hold = figures.iter().all(Figure::holds);
    Ok(if all_hold { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::print_stdout, reason = "figures are this program's result")]
fn print(figures: &[Figure], json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string_pretty(figures)?);
        return Ok(());
    }
    for figure in figures {
        let verdict = if figure.holds() { "holds" } else { "OVER" };
        let bound = if figure.at_least { "at least" } else { "at most" };
        println!(
            "{:<56} {:>10.2} {:<4} {bound} {:>7.1}  {verdict}",
            figure.what, figure.value, figure.unit, figure.budget
        );
    }
    Ok(())
}
