//! `cargo xtask tidy`: what neither the compiler nor clippy looks at.

mod clients;
mod layers;
mod sizes;

use anyhow::{Result, bail};

use crate::generate;
use crate::sh::say;

pub(crate) fn tidy() -> Result<()> {
    let mut findings = layers::check()?;
    findings.extend(sizes::check()?);
    findings.extend(clients::check()?);
    findings.extend(generate::stale()?);
    if findings.is_empty() {
        say("tidy: nothing to say");
        return Ok(());
    }
    for finding in &findings {
        say(&format!("tidy: {finding}"));
    }
    bail!("tidy found {} thing(s)", findings.len())
}
