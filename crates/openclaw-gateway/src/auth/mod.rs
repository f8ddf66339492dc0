//! Who may talk to the gateway: credentials, principals, and the lockout after wrong ones.

mod authenticator;
mod lockout;
mod token;

pub use authenticator::{AuthError, Authenticator, Credential, Principal};
