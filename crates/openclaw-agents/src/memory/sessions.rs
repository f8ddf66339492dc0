//! What was said in sessions, as it can be searched.

use openclaw_config::MemorySessions;
use openclaw_core::{AgentId, ChannelId, Direction, Message, Session};
use openclaw_storage::rows::{MemoryFileRow, MemorySource, NewMemoryChunk};

use super::chunker::{ChunkSize, pieces};
use super::hash::hash_of;

/// Whether a session is searched.
pub(super) fn is_searched(sessions: MemorySessions, session: &Session) -> bool {
    match sessions {
        MemorySessions::Off => false,
        MemorySessions::Private => {
            session.session_key.is_main() || session.channel_id == ChannelId::web()
        }
        MemorySessions::All => true,
    }
}

/// What stands for the rule in the row of a session: under another rule it is indexed anew.
pub(super) fn rule(sessions: MemorySessions) -> &'static str {
    match sessions {
        MemorySessions::Off => "off",
        MemorySessions::Private => "private",
        MemorySessions::All => "all",
    }
}

/// The row of a session that is indexed up to a message.
pub(super) fn row(
    agent: &AgentId,
    session: &Session,
    (rule, up_to): (&str, i64),
    now: openclaw_core::Timestamp,
) -> MemoryFileRow {
    MemoryFileRow {
        agent_id: agent.clone(),
        source: MemorySource::Sessions,
        path: session.id.to_string(),
        hash: rule.to_owned(),
        modified_at: session.last_activity_at,
        size: u64::try_from(up_to).unwrap_or_default(),
        indexed_at: now,
    }
}

/// How the text of a message begins.
const WHO: [&str; 2] = ["user: ", "assistant: "];

/// Whether a chunk's first words are a message's.
pub(super) fn begins_a_message(chunk: &str) -> bool {
    WHO.iter().any(|who| chunk.starts_with(who))
}

/// Messages in chunks; the lines of a chunk are the numbers of its messages.
pub(super) fn chunks(messages: &[Message], size: ChunkSize) -> Vec<NewMemoryChunk> {
    let mut chunks: Vec<NewMemoryChunk> = Vec::new();
    for message in messages {
        let who = match message.direction {
            Direction::Inbound => WHO[0],
            Direction::Outbound => WHO[1],
        };
        let said = message.content.plain_text().trim();
        if said.is_empty() {
            continue;
        }
        let number = u32::try_from(message.seq).unwrap_or(u32::MAX);
        for piece in pieces(&format!("{who}{said}"), ChunkSize { overlap: 0, ..size }) {
            let fits = |chunk: &&mut NewMemoryChunk| {
                chunk.text.chars().count() + piece.text.chars().count() < size.most
            };
            if let Some(chunk) = chunks.last_mut().filter(fits) {
                chunk.text.push('\n');
                chunk.text.push_str(&piece.text);
                chunk.end_line = number;
                chunk.said_at = message.created_at;
            } else {
                chunks.push(NewMemoryChunk {
                    start_line: number,
                    end_line: number,
                    hash: String::new(),
                    text: piece.text,
                    said_at: message.created_at,
                });
            }
        }
    }
    chunks.iter_mut().for_each(|chunk| chunk.hash = hash_of(&chunk.text));
    chunks
}
