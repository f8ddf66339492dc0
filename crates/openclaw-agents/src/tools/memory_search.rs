use async_trait::async_trait;
use openclaw_config::MemorySessions;
use openclaw_core::SessionKey;
use openclaw_storage::rows::MemorySource;
use openclaw_tools::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;

use crate::memory::{Memory, MemoryError, MemoryFound, MemoryHit, MemorySearch};

/// `memory_search`: finds what was noted, or said in past sessions.
#[derive(Debug)]
pub struct MemorySearchTool {
    memory: Memory,
}

/// Arguments of `memory_search`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MemorySearchArgs {
    /// A question or words
    query: String,
    /// Default 6
    max_results: Option<u32>,
    /// 0 to 1
    min_score: Option<f64>,
}

impl MemorySearchTool {
    /// Over this memory.
    pub fn new(memory: Memory) -> Self {
        Self { memory }
    }
}

#[async_trait]
impl Tool for MemorySearchTool {
    type Args = MemorySearchArgs;

    const NAME: &'static str = "memory_search";
    const DESCRIPTION: &'static str = "Search your notes (MEMORY.md, memory/*.md) and past sessions. \
        Use it before answering about earlier work, people, dates, decisions or wishes; memory_get reads on.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[
        ("q", "query"),
        ("maxResults", "max_results"),
        ("limit", "max_results"),
        ("minScore", "min_score"),
    ];

    async fn call(
        &self,
        context: &ToolContext,
        args: MemorySearchArgs,
    ) -> Result<ToolOutput, ToolError> {
        if args.query.trim().is_empty() {
            return Err(ToolError::RespondToModel("the query is empty".to_owned()));
        }
        let search = MemorySearch {
            agent_id: context.agent_id.clone(),
            query: args.query,
            max_results: args.max_results,
            min_score: args.min_score,
        };
        let found = self.memory.search(&search, &context.cancel).await;
        let mut found = match found {
            Ok(found) => found,
            Err(MemoryError::Ending) => return Err(ToolError::Cancelled),
            Err(error) => {
                return Err(ToolError::RespondToModel(format!("the search failed: {error}")));
            }
        };
        let sessions = self.memory.sessions();
        found.hits.retain(|hit| may_show(hit, sessions, &context.session_key));
        Ok(ToolOutput::text(shown(&found)))
    }
}

/// What the owner said in private is not told where others read along, unless all is open to all.
fn may_show(hit: &MemoryHit, sessions: MemorySessions, here: &SessionKey) -> bool {
    hit.source == MemorySource::Memory
        || sessions == MemorySessions::All
        || !is_shared(here)
        || hit.session_key.as_ref() == Some(here)
}

/// Whether a session is one of a chat that others may read.
fn is_shared(key: &SessionKey) -> bool {
    key.rest().split(':').any(|part| matches!(part, "group" | "channel" | "thread"))
}

fn shown(found: &MemoryFound) -> String {
    let mut text = String::new();
    for hit in &found.hits {
        let place = match (&hit.session_key, hit.source) {
            (Some(key), _) => {
                format!("session {key}, messages {}-{}", hit.start_line, hit.end_line)
            }
            (None, _) => format!("{}:{}-{}", hit.path, hit.start_line, hit.end_line),
        };
        text.push_str(&format!("[{place}] ({:.2})\n{}\n\n", hit.score, hit.snippet));
    }
    if found.hits.is_empty() {
        text.push_str("nothing was found; other words may find it\n");
    }
    if let Some(notice) = &found.notice {
        text.push_str(&format!("[searched by words only: {notice}]\n"));
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use super::{MemoryHit, may_show};
    use openclaw_config::MemorySessions;
    use openclaw_core::SessionKey;
    use openclaw_storage::rows::MemorySource;

    #[test]
    fn what_was_said_in_private_is_not_told_in_groups() {
        let key = |text: &str| SessionKey::parse(text).expect("a key");
        let (main, group) = (key("agent:main:main"), key("agent:main:telegram:group:-100"));
        let hit = |source, session: Option<&SessionKey>| MemoryHit {
            source,
            path: "x".to_owned(),
            session_key: session.cloned(),
            start_line: 1,
            end_line: 1,
            score: 1.0,
            snippet: String::new(),
        };
        let said = hit(MemorySource::Sessions, Some(&main));
        assert!(may_show(&said, MemorySessions::Private, &main));
        assert!(!may_show(&said, MemorySessions::Private, &group));
        assert!(may_show(&said, MemorySessions::All, &group));
        assert!(may_show(&hit(MemorySource::Memory, None), MemorySessions::Private, &group));
        assert!(may_show(
            &hit(MemorySource::Sessions, Some(&group)),
            MemorySessions::Private,
            &group
        ));
        assert!(!may_show(&hit(MemorySource::Sessions, None), MemorySessions::Private, &group));
    }
}
