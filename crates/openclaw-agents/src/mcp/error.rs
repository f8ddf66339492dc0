use std::error::Error;

use rmcp::service::{ClientInitializeError, ServiceError};

/// Why a server could not be used.
#[derive(Debug, thiserror::Error)]
pub enum McpError {
    /// The program did not start, or its start was refused.
    #[error("it cannot be started: {0}")]
    Start(String),
    /// There is no connection, or the first exchange failed.
    #[error("it cannot be connected to: {0}")]
    Connect(String),
    /// It wants to know who asks.
    #[error("it asks for a sign-in; the owner can run `openclaw mcp login {server}`")]
    SignInNeeded {
        /// The server.
        server: String,
        /// What it said, for the sign-in.
        challenge: Option<String>,
    },
    /// The sign-in failed.
    #[error("the sign-in failed: {0}")]
    SignIn(String),
    /// It did not answer in time.
    #[error("it did not {what} within {seconds} s")]
    TimedOut {
        /// What was waited for.
        what: &'static str,
        /// For how long.
        seconds: u64,
    },
    /// It ended, or the connection was lost.
    #[error("it has ended or the connection was lost: {0}")]
    Lost(String),
    /// It answered with an error.
    #[error("it answers with error {code}: {message}")]
    Refused {
        /// Its code.
        code: i32,
        /// Its words, cut.
        message: String,
    },
    /// It failed a moment ago and is not tried again yet.
    #[error("it is not tried again for {seconds} s: {why}")]
    Paused {
        /// How long.
        seconds: u64,
        /// What happened.
        why: String,
    },
    /// What is kept of the sign-in cannot be read or written.
    #[error("the file {path} cannot be used")]
    Credentials {
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A client for HTTP cannot be set up.
    #[error("the HTTP client cannot be set up")]
    Client(#[source] reqwest::Error),
    /// The gateway is stopping, or the server left the configuration.
    #[error("it is not used any more")]
    Gone,
}

/// How long a stranger's error message may be, in bytes.
const LONGEST_MESSAGE: usize = 500;

impl McpError {
    pub(super) fn of_start(server: &str, error: &ClientInitializeError, known: &str) -> Self {
        if error.is_authorization_required() || error.auth_challenge().is_some() {
            let challenge = error.auth_challenge().map(str::to_owned);
            return Self::SignInNeeded { server: server.to_owned(), challenge };
        }
        Self::Connect(match error {
            // Around it stand the names of types.
            ClientInitializeError::TransportError { error, .. } => {
                words(error.error.as_ref(), known)
            }
            other => words(other, known),
        })
    }

    pub(super) fn of_call(server: &str, error: &ServiceError, known: &str) -> Self {
        if error.is_authorization_required() || error.auth_challenge().is_some() {
            let challenge = error.auth_challenge().map(str::to_owned);
            return Self::SignInNeeded { server: server.to_owned(), challenge };
        }
        match error {
            ServiceError::McpError(error) => Self::Refused {
                code: error.code.0,
                message: cut(&super::foreign::clean(&error.message)),
            },
            ServiceError::Timeout { timeout } => {
                Self::TimedOut { what: "answer", seconds: timeout.as_secs() }
            }
            ServiceError::TransportSend(error) => Self::Lost(words(error.error.as_ref(), known)),
            other => Self::Lost(words(other, known)),
        }
    }
}

/// An error with its sources, cut, and without what the URL may hold in its query.
fn words(error: &(dyn Error + 'static), url: &str) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text.push_str(": ");
            text.push_str(&inner_text);
        }
        source = inner.source();
    }
    if let Some((shown, query)) = url.split_once('?') {
        text = text.replace(url, shown).replace(query, "…");
    }
    cut(&super::foreign::clean(&text))
}

fn cut(text: &str) -> String {
    match text.char_indices().find(|(at, _)| *at >= LONGEST_MESSAGE) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}
