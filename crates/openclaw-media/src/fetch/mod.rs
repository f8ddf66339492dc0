//! The guarded client for URLs that somebody else chose.
//!
//! Only `http` and `https`; only public addresses, checked for names after resolution, for literals
//! by hand, and once more for the peer that was connected to; redirects are followed by hand, each
//! like a new URL; no proxy and nothing else from the environment; no `Referer`, no cookies; a
//! credential goes to the origin it is bound to and no further.

mod address;
mod fetcher;
mod relay;
mod request;
mod resolver;

pub use address::AddressRules;
pub use fetcher::{Fetched, Fetcher, FetcherBuilder};
pub use relay::{RelayRequest, Relayed};
pub use request::{Credential, FetchRequest};
pub use resolver::{Lookup, SystemLookup};
