//! Memory: what an agent can search of its notes and past sessions.
//!
//! The index is in the store: chunks of texts, found by their words in every engine, and vectors of
//! the texts, found by their meaning where an embedding model is configured. All of it can be made
//! anew from the notes and the sessions. [`Memory`] keeps it up to date when it is asked something,
//! and searches it. Nothing runs and nothing is in memory while nobody asks.
//!
//! **An agent finds only its own**: every read names the agent.
//!
//! To add a service's embeddings, extend `model::rig::embedding`; to add a source, index it in `pass`.

mod answers;
mod chunker;
mod embedder;
mod error;
mod hash;
#[cfg(feature = "local-embeddings")]
mod local;
pub(crate) mod notes;
mod pass;
mod rank;
mod remote;
mod search;
mod service;
mod sessions;
mod vectors;

pub use answers::{MemoryFound, MemoryHit, MemoryMode, MemoryReport, MemorySearch, MemoryState};
pub use embedder::{EmbedError, Embedder};
pub use error::MemoryError;
pub use pass::PassReport;
pub use service::{Memory, MemoryDeps};
