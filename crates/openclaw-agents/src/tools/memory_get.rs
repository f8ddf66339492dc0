use std::time::Duration;

use async_trait::async_trait;
use openclaw_tools::{Tool, ToolContext, ToolError, ToolOutput, run_blocking};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::memory::notes;

const TIME_LIMIT: Duration = Duration::from_secs(20);
const USUAL_LINES: u32 = 200;
const MOST_LINES: u32 = 2_000;
/// The most bytes of one answer.
const MOST_BYTES: usize = 32 * 1024;

/// `memory_get`: reads a file of notes.
#[derive(Debug, Clone, Copy)]
pub struct MemoryGetTool;

/// Arguments of `memory_get`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemoryGetArgs {
    /// MEMORY.md or memory/….md
    path: String,
    /// First line, from 1
    from: Option<u32>,
    /// Default 200
    lines: Option<u32>,
}

#[async_trait]
impl Tool for MemoryGetTool {
    type Args = MemoryGetArgs;

    const NAME: &'static str = "memory_get";
    const DESCRIPTION: &'static str = "Read lines of a note that memory_search found.";
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("file_path", "path"), ("offset", "from"), ("start_line", "from"), ("limit", "lines")];

    async fn call(
        &self,
        context: &ToolContext,
        args: MemoryGetArgs,
    ) -> Result<ToolOutput, ToolError> {
        if !notes::is_note(&args.path) {
            return Err(ToolError::RespondToModel(format!(
                "{} is no note: notes are MEMORY.md and what ends in .md below memory/; read reads other files",
                args.path
            )));
        }
        let root = context.workspace.clone();
        run_blocking(context, TIME_LIMIT, move |_| {
            let text = notes::read(&root, &args.path)?;
            let from = args.from.unwrap_or(1).max(1) as usize;
            let most = args.lines.unwrap_or(USUAL_LINES).clamp(1, MOST_LINES) as usize;
            cut(&text, &args.path, from, most).map(ToolOutput::text)
        })
        .await
    }
}

fn cut(text: &str, path: &str, from: usize, most: usize) -> Result<String, ToolError> {
    let total = text.lines().count();
    if from > total.max(1) {
        return Err(ToolError::RespondToModel(format!("{path} has {total} lines")));
    }
    let mut shown = String::new();
    let mut next = from;
    for line in text.lines().skip(from - 1).take(most) {
        if shown.len() + line.len() > MOST_BYTES {
            let room = line.floor_char_boundary(MOST_BYTES.saturating_sub(shown.len()));
            if shown.is_empty() {
                shown.push_str(&line[..room]);
                next += 1;
            }
            break;
        }
        shown.push_str(line);
        shown.push('\n');
        next += 1;
    }
    if next <= total {
        shown.push_str(&format!("[{} more lines; go on with from = {next}]", total + 1 - next));
    }
    Ok(shown)
}

#[cfg(test)]
mod tests {
    use super::{MOST_BYTES, cut};

    #[test]
    fn lines_are_cut_and_counted() {
        let text = "one\ntwo\nthree";
        assert_eq!(
            cut(text, "x", 2, 1).expect("lines"),
            "two\n[1 more lines; go on with from = 3]"
        );
        assert_eq!(cut(text, "x", 1, 9).expect("lines"), "one\ntwo\nthree\n");
        assert_eq!(cut("", "x", 1, 9).expect("lines"), "");
        assert!(cut(text, "x", 4, 1).is_err());
        let long = format!("{}\nend", "ü".repeat(MOST_BYTES));
        let shown = cut(&long, "x", 1, 9).expect("lines");
        assert!(shown.len() < MOST_BYTES + 100 && shown.ends_with("from = 2]"), "{}", shown.len());
    }
}
