//! What changes is indexed, what is gone is forgotten, and each agent has its own.

use openclaw_agents::memory::MemoryMode;
use openclaw_core::AgentId;
use openclaw_storage::rows::MemorySource;

use crate::support::{Harness, LONG};

#[tokio::test]
async fn notes_are_found_as_they_are_written_changed_and_removed() {
    let harness = Harness::new("");
    harness.note("MEMORY.md", "# People\nAda likes green tea.\n");
    harness.note("memory/2026-01-01.md", "The spare key hangs behind the blue door.\n");
    harness.note("notes.md", "A spare key that is no memory.\n");
    let found = harness.search("where is the spare key").await;
    assert_eq!((found.mode, found.notice), (MemoryMode::Text, None));
    assert_eq!(found.hits.len(), 1, "{:?}", found.hits);
    let hit = &found.hits[0];
    assert_eq!((hit.path.as_str(), hit.start_line, hit.end_line), ("memory/2026-01-01.md", 1, 1));
    assert_eq!(hit.snippet, "The spare key hangs behind the blue door.");
    assert_eq!(harness.paths("tea").await, ["MEMORY.md"]);

    harness.note("memory/2026-01-01.md", "The spare key moved to the neighbours' house.\n");
    assert_eq!(harness.paths("blue door").await, Vec::<String>::new());
    assert_eq!(harness.search("neighbours").await.hits.len(), 1);
    std::fs::remove_file(harness.path("main", "memory/2026-01-01.md")).expect("removed");
    assert_eq!(harness.paths("neighbours").await, Vec::<String>::new());
    let status = harness.status().await;
    assert_eq!((status.counts.files, status.counts.chunks), (1, 1));
}

#[tokio::test]
async fn what_did_not_change_is_not_indexed_again() {
    let harness = Harness::new("");
    harness.note("MEMORY.md", "one\n");
    let main = AgentId::main();
    let pass = async |forced| {
        let report = harness.memory.index(&main, forced, LONG).await.expect("indexed");
        report.done.expect("it ended").indexed
    };
    assert_eq!(pass(false).await, 1);
    assert_eq!(pass(false).await, 0);
    // The same text is the same, whatever the file system says.
    assert_eq!(pass(true).await, 0);
    harness.note("MEMORY.md", "one and two\n");
    assert_eq!(pass(false).await, 1);
}

#[tokio::test]
async fn another_size_of_chunks_cuts_anew() {
    let text: String =
        (1..200).map(|number| format!("line number {number} of a long note\n")).collect();
    let harness = Harness::new("");
    harness.note("MEMORY.md", &text);
    harness.search("line").await;
    let usual = harness.status().await.counts.chunks;
    let harness = harness.again("[memory.chunking]\ntokens = 100\noverlap = 10");
    harness.search("line").await;
    let small = harness.status().await.counts.chunks;
    assert!(small > usual * 2, "{usual} and {small}");
}

#[tokio::test]
async fn an_agent_finds_nothing_of_another() {
    let harness = Harness::new("[[agents.list]]\nid = \"work\"");
    harness.note_of("main", "MEMORY.md", "the private diary is in the drawer");
    harness.note_of("work", "MEMORY.md", "the drawer holds contracts");
    let of_work = harness.search_of("work", "diary drawer").await;
    assert_eq!(of_work.hits.len(), 1);
    assert!(of_work.hits[0].snippet.contains("contracts"));
    let of_main = harness.search_of("main", "drawer").await;
    assert!(of_main.hits.len() == 1 && of_main.hits[0].snippet.contains("diary"));
}

/// A pass that was cut off leaves half of a file, which the next one makes up for.
#[tokio::test]
async fn half_of_a_file_is_made_up_for() {
    use openclaw_storage::rows::{MemoryFileRow, MemoryIndexing, NewMemoryChunk};
    use openclaw_storage::{Batch, MemoryWrite, Write};
    let harness = Harness::new("");
    harness.note("MEMORY.md", "all of the words\n");
    harness.search("words").await;
    let main = AgentId::main();
    let mut files = harness.storage.memory_files(&main, MemorySource::Memory).await.expect("read");
    // What a batch before the last leaves: other chunks, and no hash.
    let file = MemoryFileRow { hash: String::new(), size: 0, ..files.remove(0) };
    let chunk = NewMemoryChunk {
        start_line: 1,
        end_line: 1,
        hash: "half".to_owned(),
        text: "half".to_owned(),
        said_at: file.modified_at,
    };
    let indexing = MemoryIndexing { file, from: 0, chunks: vec![chunk] };
    let write = Write::Memory(MemoryWrite::Index(Box::new(indexing)));
    harness.storage.apply(Batch::new().with(write)).await.expect("accepted");
    assert_eq!(harness.paths("words").await, ["MEMORY.md"]);
    assert_eq!(harness.paths("half").await, Vec::<String>::new());
}

#[tokio::test]
async fn nothing_is_indexed_after_the_end() {
    let harness = Harness::new("");
    harness.note("MEMORY.md", "one\n");
    harness.memory.end().await;
    let refused = harness.memory.index(&AgentId::main(), false, LONG).await;
    assert!(refused.is_err());
    let nobody = AgentId::new("nobody").expect("an id");
    assert!(harness.memory.status(&nobody, false).await.is_err());
}
