use std::time::Duration;

use openclaw_errors::{ErrorKind, OpenClawError};

/// Why a credential was not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthError {
    /// It is not known.
    #[error("the credential is not known")]
    Unknown,
    /// It was good once: it is revoked, rotated or expired. Whoever has it does not guess.
    #[error("the credential has {0}")]
    Over(&'static str),
    /// Too many wrong ones came from this address.
    #[error("too many wrong credentials came from this address")]
    LockedOut {
        /// When another try makes sense.
        retry_after: Duration,
    },
    /// Too many passwords came from this address, right or wrong.
    #[error("too many sign-ins with a password came from this address")]
    TooManySignIns {
        /// When another try makes sense.
        retry_after: Duration,
    },
    /// Too many passwords are being checked at present.
    #[error("too many passwords are being checked at present")]
    Busy,
}

impl From<AuthError> for OpenClawError {
    fn from(error: AuthError) -> Self {
        let text = error.to_string();
        match error {
            AuthError::Unknown => Self::new(ErrorKind::Unauthenticated, text)
                .with_hint("use the gateway token (OPENCLAW_GATEWAY_TOKEN, gateway.auth.token, or the file gateway.token in the state folder) or an API key: `openclaw keys create`"),
            AuthError::Over(_) => Self::new(ErrorKind::Unauthenticated, text)
                .with_hint("sign in again, or make another key: `openclaw keys create`"),
            AuthError::LockedOut { retry_after } => Self::new(ErrorKind::RateLimited, text)
                .with_retry_after(retry_after)
                .with_hint("wait five minutes, or use the right token or key now: it still works"),
            AuthError::TooManySignIns { retry_after } => Self::new(ErrorKind::RateLimited, text)
                .with_retry_after(retry_after)
                .with_hint("sign in once and use the access token, or an API key"),
            AuthError::Busy => Self::new(ErrorKind::Overloaded, text)
                .with_retry_after(Duration::from_secs(1)),
        }
    }
}
