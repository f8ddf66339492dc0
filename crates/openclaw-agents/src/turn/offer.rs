//! Which tools are offered with their schemas, and which are found by searching.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use openclaw_core::SessionId;
use openclaw_tools::ToolDefinition;
use serde_json::{Map, Value, json};

/// The tool that finds others.
pub(super) const SEARCH: &str = "tool_search";

/// Tools that most tasks need: they are always offered.
const CORE: [&str; 11] = [
    "read",
    "write",
    "edit",
    "apply_patch",
    "list",
    "search",
    "bash",
    "process",
    "web_fetch",
    "web_search",
    "message",
];

/// While all definitions together are not larger than this, all of them are offered.
const SMALL: usize = 7 * 1024;

/// How many tools one search gives.
const FOUND: usize = 6;

/// The most found tools that a session keeps.
const KEPT: usize = 32;

/// Sessions whose found tools are remembered.
const SESSIONS: usize = 1_024;

/// Tools that sessions have found; what is forgotten is searched for again.
#[derive(Debug, Default)]
pub(crate) struct Revealed(Mutex<HashMap<SessionId, Vec<String>>>);

impl Revealed {
    fn of(&self, session: &SessionId) -> Vec<String> {
        let sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        sessions.get(session).cloned().unwrap_or_default()
    }

    fn add(&self, session: &SessionId, names: impl IntoIterator<Item = String>) {
        let mut sessions = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= SESSIONS && !sessions.contains_key(session) {
            sessions.clear();
        }
        let known = sessions.entry(session.clone()).or_default();
        for name in names {
            if !known.contains(&name) {
                known.push(name);
            }
        }
        let excess = known.len().saturating_sub(KEPT);
        known.drain(..excess);
    }
}

/// The tools of a session: the core ones and those it has found, in an order that stays the same; and
/// `tool_search`, which names the others.
pub(super) fn offered(
    all: Arc<[ToolDefinition]>,
    revealed: &Revealed,
    session: &SessionId,
) -> Arc<[ToolDefinition]> {
    let bytes: usize = all.iter().map(size_of).sum();
    if bytes <= SMALL {
        return all;
    }
    let found = revealed.of(session);
    let is_core = |tool: &&ToolDefinition| CORE.contains(&tool.name.as_str());
    let mut offer: Vec<ToolDefinition> = all.iter().filter(is_core).cloned().collect();
    let others: Vec<&ToolDefinition> = all.iter().filter(|tool| !is_core(tool)).collect();
    if others.is_empty() {
        return all;
    }
    offer.push(search_definition(&others));
    let shown = found.iter().filter_map(|name| others.iter().find(|tool| tool.name == *name));
    offer.extend(shown.map(|tool| (*tool).clone()));
    offer.into()
}

fn size_of(tool: &ToolDefinition) -> usize {
    tool.name.len() + tool.description.len() + tool.parameters.to_string().len()
}

/// Names all of the others, found ones too, so that it stays the same when one is found.
fn search_definition(others: &[&ToolDefinition]) -> ToolDefinition {
    const NAMES: usize = 2_000;
    let mut names = String::new();
    for tool in others {
        if names.len() + tool.name.len() > NAMES {
            names.push_str(", …");
            break;
        }
        if !names.is_empty() {
            names.push_str(", ");
        }
        names.push_str(&tool.name);
    }
    ToolDefinition {
        name: SEARCH.to_owned(),
        description: format!(
            "Finds more tools by what they do or by name; they can be called after that. There are: {names}."
        ),
        parameters: json!({
            "type": "object",
            "properties": {
                "query": {"type": "string", "description": "What the tool should do, or its name."}
            },
            "required": ["query"]
        }),
    }
}

/// Answers a search, and lets the session keep what was found.
///
/// # Errors
/// What to tell the model when it asked for nothing.
pub(super) fn search(
    all: &[ToolDefinition],
    arguments: &Map<String, Value>,
    revealed: &Revealed,
    session: &SessionId,
) -> Result<String, String> {
    let query = arguments.get("query").and_then(Value::as_str).unwrap_or_default().to_lowercase();
    let words: Vec<&str> =
        query.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 1).collect();
    if words.is_empty() {
        return Err("query is missing; say what the tool should do, or its name".to_owned());
    }
    let mut found: Vec<(usize, &ToolDefinition)> = all
        .iter()
        .filter(|tool| !CORE.contains(&tool.name.as_str()))
        .map(|tool| (score(tool, &query, &words), tool))
        .filter(|(score, _)| *score > 0)
        .collect();
    found.sort_by_key(|(score, _)| std::cmp::Reverse(*score));
    found.truncate(FOUND);
    if found.is_empty() {
        return Ok("No tool fits; ask with other words.".to_owned());
    }
    revealed.add(session, found.iter().map(|(_, tool)| tool.name.clone()));
    let line =
        |(_, tool): &(usize, &ToolDefinition)| format!("{}: {}\n", tool.name, tool.description);
    let lines: String = found.iter().map(line).collect();
    Ok(format!("{lines}These can be called from now on."))
}

fn score(tool: &ToolDefinition, query: &str, words: &[&str]) -> usize {
    let (name, about) = (tool.name.to_lowercase(), tool.description.to_lowercase());
    let of_word = |word: &&str| {
        // Plurals and endings: "sessions" finds session_status.
        let cut = usize::from(word.len() > 5);
        let stem = &word[..word.floor_char_boundary(word.len() - cut)];
        match () {
            () if name.contains(*word) => 4,
            () if name.contains(stem) => 3,
            () if about.contains(*word) => 2,
            () if about.contains(stem) => 1,
            () => 0,
        }
    };
    let exact = if name == query.trim() { 100 } else { 0 };
    exact + words.iter().map(of_word).sum::<usize>()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use openclaw_core::SessionId;
    use openclaw_tools::ToolDefinition;
    use serde_json::json;

    use super::{Revealed, SEARCH, offered, search};

    fn tools() -> Arc<[ToolDefinition]> {
        let tool = |name: &str, about: &str| ToolDefinition {
            name: name.to_owned(),
            description: about.to_owned(),
            parameters: json!({"type": "object", "description": "x".repeat(2_000)}),
        };
        [
            tool("read", "Reads a file."),
            tool("cron", "Plans work for later: once, or again and again."),
            tool("bash", "Runs a command."),
            tool("memory_search", "Finds what was noted."),
            tool("github_create_issue", "Opens an issue."),
        ]
        .into()
    }

    #[test]
    fn few_are_offered_and_the_others_are_found() {
        let (revealed, session) = (Revealed::default(), SessionId::new("s").expect("valid"));
        let names = |session: &SessionId| -> Vec<String> {
            offered(tools(), &revealed, session).iter().map(|tool| tool.name.clone()).collect()
        };
        assert_eq!(names(&session), ["read", "bash", SEARCH]);
        let named = &offered(tools(), &revealed, &session)[2].description;
        assert!(named.contains("cron, memory_search, github_create_issue"), "{named}");
        let ask = |query: &str| {
            let arguments = json!({"query": query}).as_object().cloned().expect("an object");
            search(&tools(), &arguments, &revealed, &session)
        };
        assert!(ask("plan something for later").is_ok_and(|text| text.starts_with("cron: ")));
        assert!(
            ask("issues on GitHub").is_ok_and(|text| text.starts_with("github_create_issue: "))
        );
        assert!(ask("read").is_ok_and(|text| text.starts_with("No tool")));
        assert!(ask(" ?").is_err());
        assert_eq!(names(&session), ["read", "bash", SEARCH, "cron", "github_create_issue"]);
        let other = SessionId::new("t").expect("valid");
        assert_eq!(names(&other), ["read", "bash", SEARCH]);
    }

    #[test]
    fn all_are_offered_while_they_are_small() {
        let (revealed, session) = (Revealed::default(), SessionId::new("s").expect("valid"));
        let few: Arc<[ToolDefinition]> = tools()[..3].into();
        assert_eq!(offered(few.clone(), &revealed, &session), few);
    }
}
