use openclaw_core::MediaId;

/// What can go wrong with an attachment.
#[derive(Debug, thiserror::Error)]
pub enum MediaError {
    /// It is larger than allowed.
    #[error("{size} bytes is above the limit of {limit} bytes")]
    TooLarge {
        /// Its size as far as it is known.
        size: u64,
        /// The limit.
        limit: u64,
    },
    /// There is no such file in the store.
    #[error("no media {0}")]
    NotFound(MediaId),
    /// The URL or the address behind it may not be fetched.
    #[error("{url} may not be fetched: {reason}")]
    Refused {
        /// Scheme and host of the URL.
        url: String,
        /// Why.
        reason: &'static str,
    },
    /// The peer failed.
    #[error("cannot fetch {url}")]
    Fetch {
        /// Scheme and host of the URL.
        url: String,
        /// What happened.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The peer took longer than the whole exchange may take.
    #[error("{url} took longer than {seconds} s")]
    TimedOut {
        /// Scheme and host of the URL.
        url: String,
        /// The limit.
        seconds: u64,
    },
    /// The peer answered with an error.
    #[error("{url} answered {status}")]
    Status {
        /// Scheme and host of the URL.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The HTTP client cannot be set up.
    #[error("the client for fetching cannot be set up")]
    Client(#[source] reqwest::Error),
    /// The disk, or the source that was being stored, failed.
    #[error("the media store failed while {doing}")]
    Io {
        /// What was being done.
        doing: &'static str,
        /// What happened.
        #[source]
        source: std::io::Error,
    },
}

impl MediaError {
    pub(crate) fn io(doing: &'static str) -> impl FnOnce(std::io::Error) -> Self {
        move |source| Self::Io { doing, source }
    }
}
