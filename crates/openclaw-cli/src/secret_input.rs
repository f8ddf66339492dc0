//! Secrets that people type or pipe in.

use std::io::{BufRead as _, IsTerminal as _, Read as _};

use openclaw_core::Secret;
use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use crate::context::Context;
use crate::exit::Failure;

const INTERRUPT: u8 = 3;
const END: u8 = 4;
const BACKSPACE: [u8; 2] = [8, 127];

/// Asks for a secret without showing it; what is piped in is taken as its first line.
pub(crate) fn ask(context: &Context, question: &str) -> Result<Secret, Failure> {
    let stdin = std::io::stdin();
    let given = if stdin.is_terminal() {
        context.output.note(question);
        let shown = tcgetattr(&stdin).map_err(failed)?;
        let mut hidden = shown.clone();
        // An interrupt has to be seen here: it would leave the terminal as it is.
        hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG);
        tcsetattr(&stdin, OptionalActions::Flush, &hidden).map_err(failed)?;
        let typed = typed();
        tcsetattr(&stdin, OptionalActions::Flush, &shown).map_err(failed)?;
        typed?
    } else {
        let mut text = String::new();
        stdin.lock().read_line(&mut text).map_err(failed)?;
        text
    };
    let given = Secret::new(given.trim_end_matches(['\r', '\n']));
    if given.is_empty() {
        return Err(Failure::usage("nothing was given").with_hint("type it, or pipe it in"));
    }
    Ok(given)
}

fn typed() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    for byte in std::io::stdin().lock().bytes() {
        match byte.map_err(failed)? {
            b'\n' | b'\r' | END => break,
            INTERRUPT => return Err(Failure::interrupted()),
            byte if BACKSPACE.contains(&byte) => {
                // A character may have several bytes.
                while bytes.pop().is_some_and(|byte: u8| byte & 0xc0 == 0x80) {}
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8(bytes).map_err(failed)
}

fn failed(error: impl std::fmt::Display) -> Failure {
    Failure::failed(format!("cannot read from standard input: {error}"))
}
