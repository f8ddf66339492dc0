//! The wire of the TypeScript gateway: `req`, `res` and `event` frames, the handshake, and the
//! params of its methods.
//!
//! Versions 3 and 4 are spoken. A method here is an adapter over one or more methods of
//! [`crate::registry`]; [`methods`] tells for each of the TypeScript gateway's methods what became
//! of it.

pub mod connect;
mod error;
pub mod events;
mod frame;
pub mod methods;
pub mod params;

pub use error::{WireCode, WireError};
pub use frame::{Request, event, failure, is_request, success};

/// The oldest version spoken.
pub const OLDEST_VERSION: u32 = 3;
/// The newest version spoken.
pub const NEWEST_VERSION: u32 = 4;
