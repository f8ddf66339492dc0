//! Recall on a fixed set: 200 notes and 60 questions that share no telling word with their note.

use std::collections::BTreeSet;
use std::path::PathBuf;

use openclaw_agents::memory::MemoryMode;
use openclaw_core::AgentId;
use openclaw_storage::telling_words;
use serde::Deserialize;

use crate::support::{Harness, LONG};

/// Of the questions, how many have their note among the first five.
const HYBRID_FLOOR: f64 = 0.8;
/// By words alone next to nothing can be found; more would mean that the questions are too easy.
const TEXT_CEILING: f64 = 0.1;

#[derive(Deserialize)]
struct Set {
    notes: Vec<Note>,
    questions: Vec<Question>,
}

#[derive(Deserialize)]
struct Note {
    id: String,
    text: String,
}

#[derive(Deserialize)]
struct Question {
    note: String,
    query: String,
}

fn set() -> Set {
    serde_json::from_str(include_str!("data/notes.json")).expect("the set is JSON")
}

/// The folder of all-MiniLM-L6-v2, which `cargo xtask test` installs.
#[expect(clippy::disallowed_methods, reason = "xtask tells the tests by a variable")]
fn model() -> Option<PathBuf> {
    let folder = std::env::var_os("OPENCLAW_TEST_MINILM").map(PathBuf::from);
    let is_ci = std::env::var_os("CI").is_some_and(|value| value == "true");
    assert!(folder.is_some() || !is_ci, "OPENCLAW_TEST_MINILM is not set");
    folder
}

/// The share of questions whose note was found, and those for which it was not.
async fn recall(toml: &str, mode: MemoryMode) -> (f64, Vec<String>) {
    let set = set();
    let harness = Harness::new(toml);
    for note in &set.notes {
        harness.note(&format!("memory/{}.md", note.id), &note.text);
    }
    let report = harness.memory.index(&AgentId::main(), false, LONG).await.expect("indexed");
    assert_eq!((report.done.map(|done| done.indexed), report.trouble), (Some(200), None));
    let mut missed = Vec::new();
    for question in &set.questions {
        let answer = harness.search(&question.query).await;
        assert_eq!((answer.mode, &answer.notice), (mode, &None));
        let wanted = format!("memory/{}.md", question.note);
        let place = answer.hits.iter().take(5).position(|hit| hit.path == wanted);
        if place.is_none() {
            missed.push(question.query.clone());
        }
    }
    let asked = set.questions.len();
    ((asked - missed.len()) as f64 / asked as f64, missed)
}

#[test]
fn the_questions_share_no_telling_word_with_their_note() {
    let set = set();
    assert_eq!((set.notes.len(), set.questions.len()), (200, 60));
    let ids: BTreeSet<&str> = set.notes.iter().map(|note| note.id.as_str()).collect();
    assert_eq!(ids.len(), set.notes.len());
    for Question { note, query } in &set.questions {
        let note = set.notes.iter().find(|other| other.id == *note).expect("its note is there");
        let in_note: BTreeSet<String> = telling_words(&note.text).into_iter().collect();
        let shared: Vec<String> =
            telling_words(query).into_iter().filter(|word| in_note.contains(word)).collect();
        assert_eq!(shared, Vec::<String>::new(), "{query}");
    }
}

#[tokio::test]
async fn words_alone_find_next_to_nothing() {
    let (recall, _) = recall("", MemoryMode::Text).await;
    println!("recall@5 by words: {recall:.3}");
    assert!(recall <= TEXT_CEILING, "{recall}");
}

#[cfg(feature = "local-embeddings")]
#[tokio::test]
async fn meaning_finds_most() {
    let Some(folder) = model() else {
        println!("skipped: OPENCLAW_TEST_MINILM is not set; cargo xtask test sets it");
        return;
    };
    let toml = format!(
        "[memory]\nprovider = \"local\"\n[memory.local]\nmodel_path = \"{}\"",
        folder.display()
    );
    let (recall, missed) = recall(&toml, MemoryMode::Hybrid).await;
    println!("recall@5 by words and meaning: {recall:.3}");
    assert!(recall >= HYBRID_FLOOR, "{recall}: {missed:#?}");
}

/// The numbers that the model's own makers print for this sentence.
#[cfg(feature = "local-embeddings")]
#[tokio::test]
async fn vectors_are_those_of_the_reference() {
    use openclaw_storage::rows::MemorySource;
    let Some(folder) = model() else { return };
    let toml = format!(
        "[memory]\nprovider = \"local\"\n[memory.local]\nmodel_path = \"{}\"",
        folder.display()
    );
    let harness = Harness::new(&toml);
    harness.note("MEMORY.md", "This is an example sentence");
    let main = AgentId::main();
    harness.memory.index(&main, false, LONG).await.expect("indexed");
    let model = harness.status().await.model.expect("a model");
    let stored = harness.storage.memory_vectors_after(&main, &model, 0, 2).await.expect("read");
    let vector = &stored[0].vector.embedding;
    let expected = [0.067_657, 0.063_496, 0.048_713, 0.079_305, 0.037_448];
    for (found, expected) in vector.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-4, "{found} is not {expected}");
    }
    assert_eq!(vector.len(), 384);
    let files = harness.storage.memory_files(&main, MemorySource::Memory).await.expect("read");
    assert_eq!(files.len(), 1);
}

#[cfg(feature = "local-embeddings")]
#[tokio::test]
async fn a_folder_without_a_model_is_told() {
    let harness =
        Harness::new("[memory]\nprovider = \"local\"\n[memory.local]\nmodel_path = \"nowhere\"");
    harness.note("MEMORY.md", "the spare key");
    let found = harness.search("key").await;
    assert_eq!((found.mode, found.hits.len()), (MemoryMode::Text, 1));
    let notice = found.notice.expect("it is told");
    assert!(notice.contains("nowhere") && notice.contains("config.json"), "{notice}");
}
