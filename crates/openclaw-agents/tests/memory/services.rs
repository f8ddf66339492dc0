//! Embedding services: their wires, and what becomes of searches when they fail.

use std::time::Duration;

use openclaw_agents::memory::MemoryMode;
use openclaw_core::AgentId;
use openclaw_testkit::embedding::EmbeddingServer;

use crate::support::{Harness, LONG};

const CONCEPTS: &[&[&str]] = &[&["dog", "puppy", "canine"], &["car", "vehicle"], &["ship", "boat"]];

fn openai(server: &EmbeddingServer) -> String {
    format!(
        "[memory]\nprovider = \"openai\"\nbase_url = \"{}/v1\"\napi_key = \"sk-memory\"",
        server.root()
    )
}

async fn with_notes(toml: &str) -> Harness {
    let harness = Harness::new(toml);
    for (path, text) in [
        ("memory/a.md", "The puppy sleeps in the kitchen."),
        ("memory/b.md", "A vehicle stands in the yard."),
        ("memory/c.md", "Nothing in particular."),
    ] {
        harness.note(path, text);
    }
    harness
}

async fn finds_by_meaning(toml: String, server: EmbeddingServer) {
    let harness = with_notes(&toml).await;
    let found = harness.search("canine").await;
    assert_eq!((found.mode, found.notice), (MemoryMode::Hybrid, None));
    assert_eq!(found.hits[0].path, "memory/a.md", "{:?}", found.hits);
    assert!(found.hits.iter().all(|hit| hit.path != "memory/b.md"), "{:?}", found.hits);
    let status = harness.status().await;
    assert_eq!((status.counts.texts, status.counts.vectors), (3, 3));
    let deep = harness.memory.status(&AgentId::main(), true).await.expect("it tells");
    assert_eq!(deep.probe, Some(Ok(4)));
    assert_eq!(server.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn openai_finds_by_meaning() {
    let server = EmbeddingServer::start("sk-memory", CONCEPTS).await;
    finds_by_meaning(openai(&server), server).await;
}

#[tokio::test]
async fn gemini_finds_by_meaning() {
    let server = EmbeddingServer::start("g-key", CONCEPTS).await;
    let toml = format!(
        "[memory]\nprovider = \"gemini\"\nbase_url = \"{}\"\napi_key = \"g-key\"",
        server.root()
    );
    finds_by_meaning(toml, server).await;
}

#[tokio::test]
async fn ollama_finds_by_meaning() {
    let server = EmbeddingServer::start("o-key", CONCEPTS).await;
    let toml = format!(
        "[memory]\nprovider = \"ollama\"\nmodel = \"nomic-embed-text\"\nbase_url = \"{}\"\napi_key = \"o-key\"",
        server.root()
    );
    finds_by_meaning(toml, server).await;
}

#[tokio::test]
async fn a_text_gets_its_vector_once() {
    let server = EmbeddingServer::start("sk-memory", CONCEPTS).await;
    let harness = with_notes(&openai(&server)).await;
    harness.search("canine").await;
    assert_eq!(server.texts().len(), 3 + 1, "{:?}", server.texts());
    // Renamed, with a line more: only the new text is asked about, and what is gone goes.
    std::fs::remove_file(harness.path("main", "memory/a.md")).expect("removed");
    harness.note("memory/d.md", "The puppy sleeps in the kitchen.");
    harness.note("memory/b.md", "A boat lies at the pier.");
    assert_eq!(harness.paths("canine").await[0], "memory/d.md");
    assert_eq!(server.texts().len(), 4 + 2, "{:?}", server.texts());
    assert_eq!(harness.paths("ship").await[0], "memory/b.md");
    let status = harness.status().await;
    assert_eq!((status.counts.texts, status.counts.vectors), (3, 3));
}

#[tokio::test]
async fn another_model_makes_all_vectors_anew() {
    let server = EmbeddingServer::start("sk-memory", CONCEPTS).await;
    let harness = with_notes(&openai(&server)).await;
    harness.search("canine").await;
    let harness = harness.again(&format!("{}\nmodel = \"another\"", openai(&server)));
    assert_eq!(harness.paths("canine").await[0], "memory/a.md");
    assert_eq!(server.texts().len(), 2 * (3 + 1));
    // Those of the first are gone.
    let harness = harness.again(&openai(&server));
    assert_eq!(harness.status().await.counts.vectors, 0);
}

#[tokio::test]
async fn a_service_that_stumbles_is_asked_again() {
    let server = EmbeddingServer::start("sk-memory", CONCEPTS).await;
    server.fail(503, 2);
    let harness = with_notes(&openai(&server)).await;
    let report = harness.memory.index(&AgentId::main(), false, LONG).await.expect("indexed");
    assert_eq!((report.done.map(|done| done.vectors), report.trouble), (Some(3), None));
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn while_a_service_fails_words_are_searched_and_it_is_left_alone() {
    let server = EmbeddingServer::start("sk-memory", CONCEPTS).await;
    server.fail(401, 1_000);
    let harness = with_notes(&openai(&server)).await;
    let found = harness.search("kitchen").await;
    assert_eq!(found.mode, MemoryMode::Text);
    assert!(found.notice.as_deref().is_some_and(|notice| notice.contains("401")), "{found:?}");
    assert_eq!(found.hits[0].path, "memory/a.md");
    // A wrong key is no reason to ask again, nor is the next search.
    assert_eq!(server.requests(), 1);
    harness.search("vehicle").await;
    assert_eq!(server.requests(), 1);
    let status = harness.status().await;
    assert_eq!(status.mode, MemoryMode::Text);
    let (problem, until) = status.trouble.expect("it is told");
    assert!(problem.contains("401") && !problem.contains("sk-memory"), "{problem}");
    assert!(until > openclaw_core::Clock::now(harness.clock.as_ref()));

    server.mend();
    harness.clock.advance(Duration::from_secs(61));
    let found = harness.search("canine").await;
    assert_eq!((found.mode, found.notice), (MemoryMode::Hybrid, None));
    assert_eq!(found.hits[0].path, "memory/a.md");
    assert_eq!(harness.status().await.trouble, None);
}

/// A slow service holds up neither what is found by words nor the end.
#[tokio::test]
async fn a_slow_service_is_not_waited_for() {
    let server = EmbeddingServer::start("sk-memory", CONCEPTS).await;
    server.slow_down(Duration::from_secs(600));
    let harness = with_notes(&openai(&server)).await;
    let main = AgentId::main();
    let wait = Duration::from_millis(300);
    let report = harness.memory.index(&main, false, wait).await.expect("it began");
    assert_eq!(report.done, None);
    let found = openclaw_storage::search_memory(harness.storage.as_ref(), &main, "kitchen").await;
    assert_eq!(found.expect("read").len(), 1);
    assert!(harness.status().await.is_indexing);
    let ended = tokio::time::timeout(Duration::from_secs(5), harness.memory.end()).await;
    assert!(ended.is_ok());
}
