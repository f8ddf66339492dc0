//! Attachments: what they are by content, where their bytes are kept, how they are fetched.
//!
//! The store is content-addressed: a file's id is the SHA-256 of its bytes, so the same photo is
//! kept once and a name from outside never becomes a path. [`fetch`] is the one client for every
//! URL that came from a message, page, tool, webhook or job; nothing here talks to a configured
//! service, whose SDK does that itself.

mod error;
mod store;

pub use error::MediaError;
pub use store::MediaStore;
