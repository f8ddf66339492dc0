//! What commands print: a result for people or as JSON, on standard output; everything else on
//! standard error.

use std::io::{IsTerminal as _, Write as _};

use serde::Serialize;

use crate::exit::Failure;

/// Where and how results are printed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
    colour: bool,
}

/// A shade that a terminal can show.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Shade {
    Bold,
    Dim,
    Green,
    Yellow,
    Red,
}

impl Output {
    /// Colour only on a terminal, and not where `NO_COLOR` is set.
    pub(crate) fn new(json: bool, no_color: bool) -> Self {
        Self { json, colour: !json && !no_color && std::io::stdout().is_terminal() }
    }

    /// Whether results are printed as JSON.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Paints a text where the terminal shows it.
    pub(crate) fn paint(self, shade: Shade, text: impl std::fmt::Display) -> String {
        if !self.colour {
            return text.to_string();
        }
        let code = match shade {
            Shade::Bold => "1",
            Shade::Dim => "2",
            Shade::Green => "32",
            Shade::Yellow => "33",
            Shade::Red => "31",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Prints a result: as JSON where that was asked for, else as `human` writes it.
    pub(crate) fn result<T: Serialize>(
        self,
        value: &T,
        human: impl FnOnce() -> String,
    ) -> Result<(), Failure> {
        if self.json {
            let text = serde_json::to_string_pretty(value)
                .map_err(|error| Failure::failed(format!("cannot print the result: {error}")))?;
            return self.line(&text);
        }
        self.line(human().trim_end())
    }

    /// Prints one line.
    pub(crate) fn line(self, text: &str) -> Result<(), Failure> {
        self.raw(&format!("{text}\n"))
    }

    /// Prints a text as it is, at once.
    pub(crate) fn raw(self, text: &str) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(()),
            // Whoever read has read enough, as in `openclaw … | head`.
            Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => std::process::exit(0),
            Err(error) => Err(Failure::failed(format!("cannot write to standard output: {error}"))),
        }
    }

    /// Tells people something that is no result.
    #[expect(clippy::print_stderr, reason = "notes belong to standard error")]
    pub(crate) fn note(self, text: &str) {
        eprintln!("{text}");
    }

    /// Tells what a command failed with.
    #[expect(clippy::print_stderr, reason = "errors belong to standard error")]
    pub(crate) fn failure(self, failure: &Failure) {
        if self.json {
            eprintln!("{}", failure.to_json());
            return;
        }
        let colour = std::io::stderr().is_terminal() && self.colour;
        let (red, reset) = if colour { ("\u{1b}[31m", "\u{1b}[0m") } else { ("", "") };
        eprintln!("{red}error:{reset} {}", failure.message);
        if let Some(hint) = &failure.hint {
            eprintln!("hint: {hint}");
        }
    }
}

/// A table with aligned columns; the last column is not padded.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>]) -> String {
    let mut widths: Vec<usize> = header.iter().map(|cell| cell.chars().count()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut text = String::new();
    let header: Vec<String> = header.iter().map(|cell| (*cell).to_owned()).collect();
    for row in std::iter::once(&header).chain(rows) {
        let mut line = String::new();
        for (index, (cell, width)) in row.iter().zip(&widths).enumerate() {
            line.push_str(cell);
            if index + 1 < row.len() {
                line.push_str(&" ".repeat(width.saturating_sub(cell.chars().count()) + 2));
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Untrusted text on one line: control characters, which a terminal would obey, become `�`.
pub(crate) fn one_line(text: &str, longest: usize) -> String {
    let mut shown: String = text
        .chars()
        .map(|c| {
            if c == '\n' || c == '\t' {
                ' '
            } else if c.is_control() {
                '\u{fffd}'
            } else {
                c
            }
        })
        .take(longest)
        .collect();
    if text.chars().count() > longest {
        shown.push('…');
    }
    shown
}

/// Untrusted text on several lines: only line breaks and tabs are left of control characters.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() && c != '\n' && c != '\t' { '\u{fffd}' } else { c })
        .collect()
}
