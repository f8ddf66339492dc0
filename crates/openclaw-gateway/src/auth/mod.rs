//! Who may talk to the gateway: credentials, principals, the lockout after wrong ones, and how often
//! the right ones may call.
//!
//! A credential opens a [`Grant`]; whatever it began (a socket, a stream, a long poll) ends with it.

mod access_tokens;
mod api_key;
mod authenticator;
mod buckets;
mod credentials;
pub mod devices;
mod digest;
mod error;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod gateway_token;
mod grant;
mod jwt;
mod key_ring;
mod lockout;
mod password;
mod principal;
mod rate_limit;
mod sign_ins;
mod signing_keys;

pub use authenticator::{Authenticator, Credential};
pub use credentials::{AccessToken, Credentials, SignedIn};
pub use error::AuthError;
pub use grant::Grant;
pub use key_ring::NewKey;
pub(crate) use lockout::{Limits, Lockout};
pub use password::hash_password;
pub use principal::Principal;
pub use rate_limit::{CallClass, RateLimiter};
