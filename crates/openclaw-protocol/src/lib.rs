//! What goes over the wire: the JSON-RPC 2.0 envelope, every method's params and result, events,
//! error codes, and the registry that the documents are generated from.
//!
//! Everything here is plain serde. There is no transport, no dispatch and no state; the gateway
//! answers these types, the client asks with them.
//!
//! To add a method: its params and result in `methods/<resource>.rs`, a `method!` line there, and a
//! line in [`registry`]; dispatch, OpenRPC, JSON Schema and completion follow from it. To add an
//! event: its data and topic in [`event`].

pub mod envelope;
pub mod error;
pub mod event;
mod method;
pub mod methods;
mod object;
pub mod openai;
pub mod openapi;
pub mod openrpc;
pub mod registry;
mod schema;
mod scope;
pub mod typescript;
pub mod webhooks;

pub use error::{ErrorCode, ErrorData, ErrorObject};
pub use event::EventParams;
pub use method::{Access, Method, MethodInfo};
pub use scope::{Scope, ScopeSet};
