use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::ErrorObject;

use crate::tls::is_other_protocol;

/// Why a call did not give a result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing listens there, or it ends at once, or speaks no TLS where that was asked for.
    #[error("cannot reach the gateway at {address}")]
    Unreachable {
        /// Where.
        address: String,
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// What listens there does not show the certificate that was expected.
    #[error("what listens at {address} is not trusted")]
    NotTrusted {
        /// Where.
        address: String,
        /// What is wrong with it.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The gateway refused the connection.
    #[error("the gateway at {address} refused the connection: {status}")]
    Refused {
        /// Where.
        address: String,
        /// The HTTP status.
        status: u16,
    },
    /// The connection was lost before the answer came.
    #[error("the connection to the gateway was lost")]
    Lost,
    /// No answer within the limit.
    #[error("the gateway did not answer in {seconds}s")]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
    /// The gateway answered with an error.
    #[error("{}", .0.message)]
    Rpc(ErrorObject),
    /// The gateway sent something that this version does not understand.
    #[error("the gateway sent an answer that cannot be read")]
    Unreadable(#[source] serde_json::Error),
}

impl From<ClientError> for OpenClawError {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Rpc(object) => object.into(),
            ClientError::Refused { status: 401 | 403 | 421, .. } => {
                Self::new(ErrorKind::Unauthenticated, error.to_string())
                    .with_hint("the token of the running gateway differs; check OPENCLAW_GATEWAY_TOKEN and gateway.auth.token, or `openclaw login` again")
            }
            ClientError::Refused { status: 429, .. } => Self::new(ErrorKind::RateLimited, error.to_string())
                .with_hint("too many wrong credentials came from this machine; wait five minutes"),
            ClientError::NotTrusted { .. } => Self::new(ErrorKind::Unauthenticated, error.to_string())
                .with_hint("compare the fingerprint with that of `openclaw gateway status` on the gateway's machine, and give it with --fingerprint")
                .with_source(error),
            ClientError::Unreachable { ref source, .. } if is_other_protocol(source.as_ref()) => {
                Self::new(ErrorKind::Unavailable, error.to_string())
                    .with_hint("what listens there speaks no TLS; if that is meant to be so, say --gateway http://…")
                    .with_source(error)
            }
            ClientError::Unreachable { .. } | ClientError::Lost | ClientError::Refused { .. } => {
                Self::new(ErrorKind::Unavailable, error.to_string())
                    .with_hint("start it with `openclaw gateway run`")
                    .with_source(error)
            }
            ClientError::TimedOut { .. } => Self::new(ErrorKind::Timeout, error.to_string()),
            ClientError::Unreadable(_) => Self::new(ErrorKind::Internal, error.to_string())
                .with_hint("client and gateway may be of different versions")
                .with_source(error),
        }
    }
}
