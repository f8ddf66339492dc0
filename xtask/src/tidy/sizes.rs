//! A file has one subject: above 700 lines it fails, unless a reason is listed here.

use anyhow::{Context as _, Result};

use crate::sh::{output, root};

const LIMIT: usize = 700;

/// Files that may be longer, each with its reason.
const EXCEPTIONS: [(&str, &str); 0] = [];

pub(super) fn check() -> Result<Vec<String>> {
    let is_too_long = |path: &str, lines: usize| {
        lines > LIMIT && !EXCEPTIONS.iter().any(|(exception, _)| *exception == path)
    };
    let findings = sources()?.into_iter().filter_map(|(path, text)| {
        let lines = text.lines().count();
        is_too_long(&path, lines)
            .then(|| format!("{path} has {lines} lines, above {LIMIT}: split it by subject"))
    });
    Ok(findings.collect())
}

/// Every Rust file of the tree, with its text.
pub(super) fn sources() -> Result<Vec<(String, String)>> {
    let listed = output(
        std::process::Command::new("git")
            .args(["ls-files", "-co", "--exclude-standard", "*.rs"])
            .current_dir(root()),
    )?;
    let files = listed.lines().map(|path| (path.to_owned(), root().join(path)));
    files
        .filter(|(_, file)| file.exists())
        .map(|(path, file)| {
            let text = std::fs::read_to_string(&file)
                .with_context(|| format!("cannot read {}", file.display()))?;
            Ok((path, text))
        })
        .collect()
}
