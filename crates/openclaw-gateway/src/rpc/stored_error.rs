use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::RunError;
use openclaw_storage::rows::StoredError;

/// A kept error as a run shows it.
pub(super) fn run_error(error: StoredError) -> RunError {
    RunError { code: error.code, message: error.message, hint: error.hint }
}

/// A kept error as an error again; what cannot run for want of something is unavailable.
pub(crate) fn as_error(error: StoredError) -> OpenClawError {
    let rebuilt = OpenClawError::new(ErrorKind::Unavailable, error.message);
    match error.hint {
        Some(hint) => rebuilt.with_hint(hint),
        None => rebuilt,
    }
}
