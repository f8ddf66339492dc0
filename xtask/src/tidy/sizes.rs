//! A file has one subject: above 700 lines it fails, unless a reason is listed here.

use std::path::Path;

use anyhow::{Context as _, Result};

use crate::sh::{output, root};

const LIMIT: usize = 700;

/// Files that may be longer, each with its reason.
const EXCEPTIONS: [(&str, &str); 0] = [];

pub(super) fn check() -> Result<Vec<String>> {
    let listed = output(
        std::process::Command::new("git")
            .args(["ls-files", "-co", "--exclude-standard", "*.rs"])
            .current_dir(root()),
    )?;
    let mut findings = Vec::new();
    for path in listed.lines() {
        let file = root().join(path);
        if !file.exists() {
            continue;
        }
        let lines = lines_of(&file)?;
        if lines > LIMIT && !EXCEPTIONS.iter().any(|(exception, _)| *exception == path) {
            findings.push(format!("{path} has {lines} lines, above {LIMIT}: split it by subject"));
        }
    }
    Ok(findings)
}

fn lines_of(file: &Path) -> Result<usize> {
    let text =
        std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
    Ok(text.lines().count())
}
