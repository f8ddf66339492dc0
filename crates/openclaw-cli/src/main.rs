//! The `openclaw` program: the composition root and the command line.
//!
//! Only this crate names concrete channels, backends and factories. Every command but those that
//! work on files speaks the protocol through `openclaw-client`.

mod commands;
mod compose;
mod context;
mod exit;
mod logging;
mod login_file;
mod output;
mod process;
mod reach;
mod secret_input;

use std::process::ExitCode;

fn main() -> ExitCode {
    // Before anything else: no runtime, no allocator settings, no files for these.
    if let Some(code) = process::answer_at_once() {
        return code;
    }
    process::prepare();
    commands::main()
}
