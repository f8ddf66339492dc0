//! What agents can search.

use openclaw_core::AgentId;

use super::{Fixture, at, entry, session, session_id};
use crate::rows::{
    MemoryChunkRow, MemoryFileRow, MemoryIndexing, MemorySource, MemoryVector, NewMemoryChunk,
};
use crate::{MemoryWrite, Write, search_memory};

/// The agent of this name.
pub fn agent(name: &str) -> AgentId {
    AgentId::new(name).expect("an agent id")
}

/// A file of notes of the agent `main`.
pub fn note(path: &str) -> MemoryFileRow {
    MemoryFileRow {
        agent_id: AgentId::main(),
        source: MemorySource::Memory,
        path: path.to_owned(),
        hash: format!("hash of {path}"),
        modified_at: at(1_000),
        size: 100,
        indexed_at: at(2_000),
    }
}

/// A chunk with this text, whose hash is the text's.
pub fn piece(line: u32, text: &str) -> NewMemoryChunk {
    NewMemoryChunk {
        start_line: line,
        end_line: line + 1,
        hash: format!("#{text}"),
        text: text.to_owned(),
        said_at: at(i64::from(line)),
    }
}

fn index(file: MemoryFileRow, from: u32, texts: &[&str]) -> Write {
    let chunks = (1..).zip(texts).map(|(line, text)| piece(line, text)).collect();
    Write::Memory(MemoryWrite::Index(Box::new(MemoryIndexing { file, from, chunks })))
}

fn vectors(of: &AgentId, model: &str, texts: &[(&str, [f32; 2])]) -> Write {
    let vectors = texts
        .iter()
        .map(|(text, embedding)| MemoryVector {
            hash: format!("#{text}"),
            embedding: embedding.to_vec(),
        })
        .collect();
    let model = model.to_owned();
    Write::Memory(MemoryWrite::StoreVectors { agent_id: of.clone(), model, vectors })
}

fn prune(of: &AgentId, keep: Option<&str>) -> Write {
    let keep = keep.map(ToOwned::to_owned);
    Write::Memory(MemoryWrite::PruneVectors { agent_id: of.clone(), keep })
}

fn hashes(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| format!("#{text}")).collect()
}

async fn chunks(store: &Fixture, of: &AgentId, texts: &[&str]) -> Vec<MemoryChunkRow> {
    store.storage.memory_chunks_of(of, &hashes(texts)).await.expect("read")
}

async fn found(store: &Fixture, of: &AgentId, query: &str) -> Vec<String> {
    let found = search_memory(store.storage.as_ref(), of, query).await.expect("read");
    found.into_iter().map(|found| found.row.chunk.text).collect()
}

async fn stored(store: &Fixture, of: &AgentId, model: &str) -> Vec<(String, Vec<f32>)> {
    let rows = store.storage.memory_vectors_after(of, model, 0, 10).await.expect("read");
    assert!(rows.is_sorted_by_key(|row| row.position), "{rows:?}");
    rows.into_iter().map(|row| (row.vector.hash, row.vector.embedding)).collect()
}

/// A file and its chunks are read as they were written; indexing it again replaces all of it, or
/// what follows a place.
pub async fn a_file_is_indexed_and_replaced(store: &Fixture) {
    let main = AgentId::main();
    store.apply([index(note("b.md"), 0, &["two", "three\u{0}"])]).await;
    store.apply([index(note("a.md"), 0, &["one"])]).await;
    let files = store.storage.memory_files(&main, MemorySource::Memory).await.expect("read");
    assert_eq!(files, [note("a.md"), note("b.md")]);
    let rows = chunks(store, &main, &["two", "three\u{0}", "one", "none"]).await;
    let places: Vec<_> = rows.iter().map(|row| (row.path.as_str(), row.ordinal)).collect();
    assert_eq!(places, [("a.md", 0), ("b.md", 0), ("b.md", 1)]);
    assert_eq!(rows[2].chunk, piece(2, "three\u{0}"));

    let changed = MemoryFileRow { hash: "another".to_owned(), size: 7, ..note("b.md") };
    store.apply([index(changed.clone(), 1, &["four", "five"])]).await;
    let files = store.storage.memory_files(&main, MemorySource::Memory).await.expect("read");
    assert_eq!(files[1], changed);
    let rows = chunks(store, &main, &["two", "three\u{0}", "four", "five"]).await;
    let texts: Vec<_> = rows.iter().map(|row| row.chunk.text.as_str()).collect();
    assert_eq!(texts, ["two", "four", "five"]);
    let last = store.storage.last_memory_chunk(&main, MemorySource::Memory, "b.md").await;
    assert_eq!(last.expect("read").map(|row| row.ordinal), Some(2));
    assert_eq!(found(store, &main, "three").await, Vec::<String>::new());
    assert_eq!(found(store, &main, "five").await, ["five"]);

    let path = Some("b.md".to_owned());
    let forget = |path| MemoryWrite::Forget {
        agent_id: AgentId::main(),
        source: MemorySource::Memory,
        path,
    };
    store.apply([Write::Memory(forget(path))]).await;
    assert_eq!(found(store, &main, "five one").await, ["one"]);
    store.apply([Write::Memory(forget(None))]).await;
    let files = store.storage.memory_files(&main, MemorySource::Memory).await.expect("read");
    assert_eq!((files, found(store, &main, "one").await), (Vec::new(), Vec::new()));
}

/// Any of the words finds a chunk; whoever holds more and rarer ones, in fewer others, is first.
pub async fn chunks_are_found_by_their_words(store: &Fixture) {
    let main = AgentId::main();
    let texts = [
        "The spare keys hang behind the blue door",
        "A door was painted",
        "Recipes: soup, and a door of bread",
        "東京タワー visited",
        "Nothing of note",
    ];
    store.apply([index(note("a.md"), 0, &texts)]).await;
    let first = async |query| found(store, &main, query).await.into_iter().next();
    assert_eq!(first("where is the spare key to the door?").await.as_deref(), Some(texts[0]));
    assert_eq!(found(store, &main, "door").await.len(), 3);
    assert_eq!(first("recipe").await.as_deref(), Some(texts[2]));
    assert_eq!(first("東京").await.as_deref(), Some(texts[3]));
    assert_eq!(found(store, &main, "bicycle").await, Vec::<String>::new());
    for text in ["", "?", "\"", "'", "a AND NOT b", "x) | (y", "*"] {
        assert_eq!(found(store, &main, text).await.len(), 0, "{text}");
    }
    let best = search_memory(store.storage.as_ref(), &main, "spare keys").await.expect("read");
    assert!(best[0].score > 0.5 && best[0].score <= 1.0, "{best:?}");
}

/// A vector is kept once for each text and model; positions are not given out anew.
pub async fn vectors_are_kept_by_text_and_model(store: &Fixture) {
    let main = AgentId::main();
    store.apply([index(note("a.md"), 0, &["one", "two", "two", "three"])]).await;
    let lacking = async |after| {
        let lacking = store.storage.texts_without_vector(&main, "m", after, 10).await;
        lacking.expect("read").into_iter().map(|(_, text)| text).collect::<Vec<_>>()
    };
    assert_eq!(lacking(None).await, ["one", "three", "two"]);
    assert_eq!(lacking(Some("#one")).await, ["three", "two"]);
    store.apply([vectors(&main, "m", &[("two", [0.5, -1.5]), ("one", [1.0, 0.0])])]).await;
    store.apply([vectors(&main, "m", &[("two", [9.0, 9.0])])]).await;
    store.apply([vectors(&main, "other", &[("two", [3.0, 4.0])])]).await;
    assert_eq!(lacking(None).await, ["three"]);
    let expected = [("#two".to_owned(), vec![0.5, -1.5]), ("#one".to_owned(), vec![1.0, 0.0])];
    assert_eq!(stored(store, &main, "m").await, expected);
    let counts = store.storage.memory_counts(&main, "m").await.expect("read");
    assert_eq!((counts.files, counts.sessions), (1, 0));
    assert_eq!((counts.chunks, counts.texts, counts.vectors), (4, 3, 2));

    // Of a text that is gone, and of another model.
    store.apply([index(note("a.md"), 0, &["one"]), prune(&main, Some("m"))]).await;
    assert_eq!(stored(store, &main, "m").await, expected[1..]);
    assert_eq!(stored(store, &main, "other").await, []);
    store.apply([prune(&main, None)]).await;
    assert_eq!(stored(store, &main, "m").await, []);
    store.apply([vectors(&main, "m", &[("one", [2.0, 0.0])])]).await;
    let after = store.storage.memory_vectors_after(&main, "m", counts.last_vector, 10).await;
    assert_eq!(after.expect("read").len(), 1, "the position is a new one");
}

/// Each agent has its own.
pub async fn nothing_of_another_agent_is_found(store: &Fixture) {
    let (main, other) = (AgentId::main(), agent("other"));
    let of_other = MemoryFileRow { agent_id: other.clone(), ..note("a.md") };
    store.apply([index(note("a.md"), 0, &["secret door"])]).await;
    store.apply([index(of_other, 0, &["open door"])]).await;
    store.apply([vectors(&main, "m", &[("secret door", [1.0, 0.0])])]).await;
    assert_eq!(found(store, &other, "secret door").await, ["open door"]);
    assert_eq!(chunks(store, &other, &["secret door"]).await, []);
    assert_eq!(stored(store, &other, "m").await, []);
    let counts = store.storage.memory_word_counts(&other, &["secret".to_owned()]).await;
    let counts = counts.expect("read");
    assert_eq!((counts.chunks, counts.holding), (1, vec![0]));
    let lacking = store.storage.texts_without_vector(&other, "m", None, 10).await.expect("read");
    assert_eq!(lacking, [("#open door".to_owned(), "open door".to_owned())]);
    store.apply([prune(&other, None)]).await;
    assert_eq!(stored(store, &main, "m").await.len(), 1);
    let files = store.storage.memory_files(&other, MemorySource::Memory).await.expect("read");
    assert_eq!(files.len(), 1);
}

/// A session is listed while more was said than is indexed, and is forgotten when it is deleted.
pub async fn sessions_are_indexed_as_they_grow(store: &Fixture) {
    let main = AgentId::main();
    for name in ["a", "b"] {
        store.with_session(name).await;
        store.apply([Write::Append(Box::new(entry(name, &format!("said-{name}"))))]).await;
    }
    let mut of_other = session("c");
    of_other.agent_id = agent("other");
    store.apply([Write::CreateSession(Box::new(of_other))]).await;
    store.apply([Write::EndSession { id: session_id("b"), at: at(9_000) }]).await;
    let first = session_id("a");
    let behind = async |after| {
        let behind = store.storage.unindexed_sessions(&main, after, 10).await.expect("read");
        let named = behind.into_iter().map(|(session, indexed)| (session.id.to_string(), indexed));
        named.collect::<Vec<_>>()
    };
    let expected = [("session-a".to_owned(), 0), ("session-b".to_owned(), 0)];
    assert_eq!(behind(None).await, expected);
    assert_eq!(behind(Some(&first)).await, expected[1..]);
    let file = MemoryFileRow { source: MemorySource::Sessions, size: 1, ..note("session-a") };
    store.apply([index(file, 0, &["user: hello"])]).await;
    assert_eq!(behind(None).await, expected[1..]);
    store.apply([Write::Append(Box::new(entry("a", "more")))]).await;
    assert_eq!(behind(None).await, [("session-a".to_owned(), 1), expected[1].clone()]);
    assert_eq!(found(store, &main, "hello").await, ["user: hello"]);
    store.apply([Write::DeleteSession { id: session_id("a") }]).await;
    assert_eq!(found(store, &main, "hello").await, Vec::<String>::new());
    let files = store.storage.memory_files(&main, MemorySource::Sessions).await.expect("read");
    assert_eq!(files, []);
}
