//! Attachments: what they are by content, where their bytes are kept, how they are fetched.
//!
//! The store is content-addressed: a file's id is the SHA-256 of its bytes, so the same photo is
//! kept once and a name from outside never becomes a path. [`Fetcher`] is the one client for every
//! URL that came from a message, page, tool, webhook or job; nothing here talks to a configured
//! service, whose SDK does that itself.
//!
//! To recognise one more type, extend [`sniff`]; to deny one more range of addresses, extend
//! [`AddressRules`].

mod error;
pub mod fetch;
mod file_name;
mod intake;
mod limits;
mod sniff;
mod store;
mod sweep;

pub use error::MediaError;
pub use fetch::{
    AddressRules, Credential, FetchRequest, Fetched, Fetcher, FetcherBuilder, Lookup, RelayRequest,
    Relayed, SystemLookup,
};
pub use file_name::sanitise_file_name;
pub use intake::Intake;
pub use limits::{MAX_ATTACHMENT, MAX_ATTACHMENTS_PER_CALL, MediaKind};
pub use sniff::{SNIFF_BYTES, is_text, sniff};
pub use store::MediaStore;
pub use sweep::Sweep;
