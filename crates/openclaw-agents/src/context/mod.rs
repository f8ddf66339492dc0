//! What of the transcript a model is sent.

mod assemble;
mod cache;
mod fit;
mod images;
mod settled;
#[cfg(test)]
mod tests;

pub(crate) use assemble::{assemble, continues};
pub(crate) use cache::ContextCache;
pub(crate) use fit::{Context, head_and_tail};
pub(crate) use images::Images;
pub(crate) use settled::Encoding;
pub use settled::Settled;

/// Bytes of text that make a token, on the careful side for prose and code.
const BYTES_PER_TOKEN: u64 = 3;

/// What an image counts for, in bytes of text.
const IMAGE_BYTES: usize = 4_096;

/// The room for the conversation in bytes, of a window in tokens, when so many tokens are kept for
/// the answer and so many bytes are taken already.
pub(crate) fn room(window: u64, output: u64, taken: usize) -> usize {
    const LEAST: u64 = 8 * 1024;
    let tokens = window.saturating_sub(output.min(window / 2));
    let bytes = (tokens * BYTES_PER_TOKEN).saturating_sub(taken as u64).max(LEAST);
    usize::try_from(bytes).unwrap_or(usize::MAX)
}
