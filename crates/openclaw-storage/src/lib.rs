//! Where OpenClaw keeps what must survive: sessions, messages, inbox, outbox, transcript, events.
//!
//! Reads are split by noun ([`SessionReads`], [`InboxReads`], …). There is **one write path**:
//! [`Storage::apply`] takes a [`Batch`], a list of [`Write`]s with fences, and commits all of it or
//! nothing; there is no interactive transaction. Every backend passes the suite in `conformance`.
//! What this crate is not: it knows no channel, no model and no wire.
//!
//! To add a table: a migration per engine, a row type in `rows`, a read trait, the `Write`
//! variants, both engines, and cases in the conformance suite.

pub mod archive;
mod assemble;
mod batch;
mod caller_run;
mod commit;
#[cfg(feature = "conformance")]
pub mod conformance;
mod error;
mod job_rows;
pub mod memory;
#[cfg(feature = "postgres")]
pub mod postgres;
mod read;
pub mod rows;
mod sql;
pub mod sqlite;
mod stems;
mod text_search;
mod words;

pub use batch::{
    Applied, Batch, EventDraft, Fence, InputChange, Leases, LogEntry, MemoryWrite, NewInput,
    NewMessage, NewOutbox, OutboxChange, SessionPatch, TranscriptDraft, Write,
};
pub use commit::{CommitObserver, Committed, CommittedEvent, NoObserver, SessionChange};
pub use error::{ApplyError, Conflict, StorageError};
pub use read::{
    EventReads, InboxReads, JobReads, LeaseReads, MemoryReads, MessageReads, OutboxReads,
    PairingReads, SessionReads, Storage, StorageHealth, TranscriptReads, UserReads, ValueReads,
};
pub use stems::telling_words;
pub use text_search::{MemoryMatch, search_memory};
