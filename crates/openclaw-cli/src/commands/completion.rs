use clap::Args;
use clap_complete::Shell;

use crate::context::Context;
use crate::exit::Failure;

#[derive(Debug, Args)]
pub(crate) struct CompletionArguments {
    /// The shell.
    shell: Shell,
}

pub(crate) fn run(
    context: &Context,
    arguments: &CompletionArguments,
    mut command: clap::Command,
) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut command, "openclaw", &mut script);
    context.output.raw(&String::from_utf8_lossy(&script))
}
