//! What of the transcript a model is sent.

mod assemble;
mod cache;
mod fit;
mod images;
mod settled;
mod size;
mod stored;
#[cfg(test)]
mod tests;

pub(crate) use assemble::{assemble, continues};
pub(crate) use cache::ContextCache;
pub(crate) use fit::{Context, head_and_tail};
pub(crate) use images::Images;
pub(crate) use settled::Encoding;
pub use settled::Settled;
pub(crate) use stored::{Stored, newest_summary, read, read_anew};

/// What an image counts for, in bytes of text.
pub(crate) const IMAGE_BYTES: usize = 4_096;
