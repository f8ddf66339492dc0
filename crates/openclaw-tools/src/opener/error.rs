use std::io::{self, ErrorKind};

use crate::ToolError;

/// Why a path in the workspace cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is no path.
    #[error("{path:?} is not a path: {reason}")]
    Invalid {
        /// The path as given, cut.
        path: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// It leads out of the workspace.
    #[error(
        "{path} is outside the workspace; give a path relative to the workspace, or below /workspace"
    )]
    Outside {
        /// The path as given.
        path: String,
    },
    /// There is nothing there.
    #[error("{path} does not exist; list shows what does")]
    NotFound {
        /// The path as given.
        path: String,
    },
    /// It is a folder where a file is needed.
    #[error("{path} is a folder; list shows what is in it")]
    IsFolder {
        /// The path as given.
        path: String,
    },
    /// It, or something before its end, is a file where a folder is needed.
    #[error("{path} is not a folder, or leads through a file")]
    NotFolder {
        /// The path as given.
        path: String,
    },
    /// It is a pipe, device or socket.
    #[error("{path} is a pipe, device or socket, which are not opened")]
    NotRegular {
        /// The path as given.
        path: String,
    },
    /// It is larger than what is asked of it allows.
    #[error("{path} has {size} bytes, above the limit of {limit}")]
    TooLarge {
        /// The path as given.
        path: String,
        /// Its size.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// Something on the way to it keeps changing.
    #[error("{path} changed while it was opened; try again")]
    Changed {
        /// The path as given.
        path: String,
    },
    /// The system refused or failed.
    #[error("cannot {doing} {path}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// The path as given.
        path: String,
        /// What happened.
        #[source]
        source: io::Error,
    },
}

impl OpenError {
    pub(super) fn of(doing: &'static str, path: &str, source: io::Error) -> Self {
        let path = path.to_owned();
        if escapes(&source) {
            return Self::Changed { path };
        }
        match source.kind() {
            ErrorKind::NotFound => Self::NotFound { path },
            ErrorKind::IsADirectory => Self::IsFolder { path },
            ErrorKind::NotADirectory => Self::NotFolder { path },
            _ => Self::Io { doing, path, source },
        }
    }
}

/// Whether a link or a way out stood where the resolved path had none: somebody swapped it.
pub(super) fn escapes(error: &io::Error) -> bool {
    #[cfg(unix)]
    if let Some(code) = error.raw_os_error() {
        return code == rustix::io::Errno::LOOP.raw_os_error()
            || code == rustix::io::Errno::XDEV.raw_os_error();
    }
    matches!(error.kind(), ErrorKind::PermissionDenied) && error.raw_os_error().is_none()
}

impl From<OpenError> for ToolError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Io { doing, path, source } => {
                Self::RespondToModel(format!("cannot {doing} {path}: {source}"))
            }
            other => Self::RespondToModel(other.to_string()),
        }
    }
}
