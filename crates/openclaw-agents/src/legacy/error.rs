use std::io;

use openclaw_errors::ErrorKind;
use openclaw_storage::rows::StoredError;

/// Why Pi did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum PiError {
    /// It may not run here.
    #[error("the runtime \"pi\" cannot run here: {0}")]
    Refused(&'static str),
    /// The program cannot be started.
    #[error("{program} cannot be started")]
    Start {
        /// The program.
        program: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Its folder cannot be written.
    #[error("the folder of pi cannot be written")]
    Home(#[source] io::Error),
    /// It ended in the middle of its work.
    #[error("pi ended in the middle of its work")]
    Ended,
    /// It said something that is no line of its protocol.
    #[error("pi said something that is not understood")]
    Unreadable,
    /// It did not take what was asked.
    #[error("pi refused the message: {0}")]
    NotTaken(String),
    /// Its model failed.
    #[error("the model failed: {0}")]
    Model(String),
    /// It ended too often, one time after the other.
    #[error("pi has ended {0} times in a row and is left alone for a while")]
    GivenUp(u32),
}

impl PiError {
    /// As a run keeps and shows it.
    pub(super) fn stored(&self) -> StoredError {
        let (kind, hint) = match self {
            Self::Refused(_) => (
                ErrorKind::Unavailable,
                Some("set agents.runtime = \"native\", or what docs/pi.md says"),
            ),
            Self::Start { .. } => (
                ErrorKind::Unavailable,
                Some(
                    "install it (npm install -g @mariozechner/pi-coding-agent), or set agents.pi.command",
                ),
            ),
            Self::Ended | Self::GivenUp(_) => {
                (ErrorKind::Agent, Some("send the message again; the gateway's log says more"))
            }
            Self::Home(_) | Self::Unreadable | Self::NotTaken(_) => {
                (ErrorKind::Agent, Some("see the gateway's log"))
            }
            Self::Model(_) => (ErrorKind::Agent, None),
        };
        StoredError {
            code: kind.as_str().to_owned(),
            message: openclaw_errors::display_chain(self),
            hint: hint.map(str::to_owned),
        }
    }
}
