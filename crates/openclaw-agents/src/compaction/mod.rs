//! Older parts of a conversation as a summary, so that a session has no end.
//!
//! When a request would not fit, the entries before the last third of the room are summarised by the
//! model, together with the summary before, and the summary is stored as an entry that names the last
//! one it stands for. Nothing is deleted. The work is bounded: a long part is read in at most
//! [`make::MOST_STAGES`] stages, three failures end the asking, and then the summary is extracted
//! without a model. A crash in the middle leaves nothing behind; the next turn begins again.

mod ask;
mod extract;
mod make;
mod plan;
mod render;

pub(crate) use make::{Made, Making, make};
