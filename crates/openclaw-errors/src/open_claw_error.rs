use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::{Chain, ErrorKind};

/// A result whose error is an [`OpenClawError`].
pub type Result<T, E = OpenClawError> = std::result::Result<T, E>;

/// An error as people and programs outside see it.
///
/// `Display` is the message alone; [`OpenClawError::report`] adds sources and hint.
#[derive(Debug)]
pub struct OpenClawError {
    kind: ErrorKind,
    message: String,
    details: Option<Box<Details>>,
}

#[derive(Debug, Default)]
struct Details {
    hint: Option<String>,
    field: Option<String>,
    retry_after: Option<Duration>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl OpenClawError {
    /// An error of `kind`; the message says what happened and where, lowercase, no full stop.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), details: None }
    }

    /// A parameter that cannot be used; `field` is its path, such as `attachments[0].media_id`.
    pub fn invalid_params(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidParams, message).with_field(field)
    }

    /// The thing named does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// The thing exists already or changed meanwhile.
    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Conflict, message)
    }

    /// What is needed is not there.
    pub fn unavailable(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Unavailable, message)
    }

    /// A fault of ours.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Internal, message)
    }

    /// A failure of one chat channel.
    pub fn channel(channel: impl fmt::Display, message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Channel, format!("channel {channel}: {message}"))
    }

    /// Adds what the reader can do about it: one sentence.
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.details_mut().hint = Some(hint.into());
        self
    }

    /// Adds the path of the parameter or key at fault.
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.details_mut().field = Some(field.into());
        self
    }

    /// Adds when another try makes sense.
    pub fn with_retry_after(mut self, after: Duration) -> Self {
        self.details_mut().retry_after = Some(after);
        self
    }

    /// Adds the cause, kept for logs; it is not part of what clients are told.
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.details_mut().source = Some(source.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The message, without sources and hint.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the reader can do about it.
    pub fn hint(&self) -> Option<&str> {
        self.details.as_ref()?.hint.as_deref()
    }

    /// The parameter or key at fault.
    pub fn field(&self) -> Option<&str> {
        self.details.as_ref()?.field.as_deref()
    }

    /// When another try makes sense.
    pub fn retry_after(&self) -> Option<Duration> {
        self.details.as_ref()?.retry_after
    }

    /// The message with its sources, then the hint on a line of its own.
    pub fn report(&self) -> String {
        let mut text = Chain(self).to_string();
        if let Some(hint) = self.hint() {
            text.push_str("\nhint: ");
            text.push_str(hint);
        }
        text
    }

    fn details_mut(&mut self) -> &mut Details {
        self.details.get_or_insert_default()
    }
}

impl fmt::Display for OpenClawError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for OpenClawError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source = self.details.as_ref()?.source.as_deref()?;
        Some(source as &(dyn Error + 'static))
    }
}
