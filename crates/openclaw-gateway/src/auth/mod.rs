//! Who may talk to the gateway: credentials, principals, the lockout after wrong ones, and how often
//! the right ones may call.

mod authenticator;
mod lockout;
mod rate_limit;
mod token;

pub use authenticator::{AuthError, Authenticator, Credential, Principal};
pub use rate_limit::RateLimiter;
