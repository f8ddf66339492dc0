use std::collections::BTreeSet;

use openclaw_tools::{ToolDefinition, ToolPolicy};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::schema;

/// The longest description that a model is shown, in bytes.
const LONGEST_DESCRIPTION: usize = 2 * 1024;

/// The longest name of a tool that models take.
const LONGEST_NAME: usize = 64;

/// What begins the names of all foreign tools.
pub(super) const PREFIX: &str = "mcp__";

/// A tool of a server, as it is kept between starts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct ForeignTool {
    /// Its own name.
    pub(super) name: String,
    /// What models call it.
    pub(super) offered_as: String,
    /// What it says of itself, cleaned and cut.
    pub(super) description: String,
    /// The schema of its arguments as it gave it.
    pub(super) schema: Map<String, Value>,
}

/// Makes tools of what a server lists; what cannot be offered is left out and named.
pub(super) fn tools(server: &str, listed: Vec<rmcp::model::Tool>) -> Vec<ForeignTool> {
    let mut taken = BTreeSet::new();
    let mut tools = Vec::with_capacity(listed.len());
    for tool in listed {
        let name = tool.name.into_owned();
        if name.is_empty() || name.len() > 256 {
            tracing::warn!(server, "an MCP tool without a usable name is left out");
            continue;
        }
        let schema = (*tool.input_schema).clone();
        if let Err(problem) = schema::check(&schema) {
            tracing::warn!(server, tool = clean(&name), "an MCP tool is left out: {problem}");
            continue;
        }
        let mut offered_as = offered_name(server, &name, false);
        if !taken.insert(offered_as.clone()) {
            offered_as = offered_name(server, &name, true);
            if !taken.insert(offered_as.clone()) {
                tracing::warn!(server, tool = clean(&name), "an MCP tool is listed twice");
                continue;
            }
        }
        let description = tool.description.or(tool.title.map(Into::into)).unwrap_or_default();
        tools.push(ForeignTool {
            description: shorten(&clean(&description), LONGEST_DESCRIPTION),
            name,
            offered_as,
            schema,
        });
    }
    tools
}

impl ForeignTool {
    /// What a model is offered. That the words are the server's is said before them.
    pub(super) fn definition(&self, server: &str) -> ToolDefinition {
        ToolDefinition {
            name: self.offered_as.clone(),
            description: format!("[MCP server {server}] {}", self.description),
            parameters: Value::Object(schema::for_models(&self.schema)),
        }
    }

    /// Whether the server's own rules let it through.
    pub(super) fn is_allowed(&self, rules: &ToolPolicy) -> bool {
        rules.explain(&self.name).allowed
    }
}

/// `mcp__<server>__<tool>` in the characters and length that every provider takes. A name that had to
/// be changed beyond its case, or that is taken, ends in a digest of the real one.
fn offered_name(server: &str, tool: &str, is_taken: bool) -> String {
    let plain: String = tool
        .chars()
        .map(|char| match char {
            'A'..='Z' => char.to_ascii_lowercase(),
            'a'..='z' | '0'..='9' | '_' | '-' => char,
            _ => '_',
        })
        .collect();
    let full = format!("{PREFIX}{server}__{plain}");
    let is_same = plain.eq_ignore_ascii_case(tool);
    if full.len() <= LONGEST_NAME && !is_taken && is_same {
        return full;
    }
    let digest = hex::encode(&Sha256::digest(tool)[..3]);
    let room = LONGEST_NAME - digest.len() - 1;
    format!("{}_{digest}", &full[..full.len().min(room)])
}

/// A stranger's text without what is not seen: control characters, and those that hide or turn
/// around text.
pub(super) fn clean(text: &str) -> String {
    let is_seen = |char: &char| match char {
        '\n' | '\t' => true,
        char if char.is_control() => false,
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{e0000}'..='\u{e007f}' => false,
        _ => true,
    };
    text.chars().filter(is_seen).collect()
}

fn shorten(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let mut end = most;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    format!("{}…", &text[..end])
}

#[cfg(test)]
mod tests {
    use super::{clean, offered_name, tools};
    use openclaw_core::ToolName;
    use proptest::prelude::*;
    use rmcp::model::Tool;
    use serde_json::json;

    fn listed(name: &str) -> Tool {
        let schema = json!({"type": "object"}).as_object().cloned().unwrap_or_default();
        Tool::new(name.to_owned(), "does it", schema)
    }

    #[test]
    fn names_say_whose_tool_it_is() {
        assert_eq!(offered_name("github", "create_issue", false), "mcp__github__create_issue");
        assert_eq!(offered_name("fs", "readFile", false), "mcp__fs__readfile");
        assert_eq!(offered_name("x", "a.b", false), "mcp__x__a_b_2e7336");
    }

    #[test]
    fn tools_that_would_have_one_name_are_told_apart() {
        let listed = ["read", "READ", "read"].map(listed);
        let names: Vec<String> =
            tools("fs", listed.into()).into_iter().map(|tool| tool.offered_as).collect();
        assert_eq!(names, ["mcp__fs__read", "mcp__fs__read_3f5637", "mcp__fs__read_331634"]);
    }

    #[test]
    fn text_that_is_not_seen_is_not_shown() {
        assert_eq!(clean("a\u{202e}b\u{e0041}c\u{7}\nd\u{200b}"), "abc\nd");
    }

    proptest! {
        #[test]
        fn every_name_is_one_that_models_take(name in ".{1,200}", taken: bool) {
            let offered = offered_name("server_of-32-characters-and-more", &name, taken);
            prop_assert!(ToolName::new(offered.as_str()).is_ok(), "{}", offered);
            prop_assert_eq!(offered.to_ascii_lowercase(), offered);
        }
    }
}
