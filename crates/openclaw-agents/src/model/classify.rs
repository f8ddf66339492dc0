/// What kind of failure a model had, by what is done about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ErrorClass {
    /// The key is missing, wrong or not allowed to do this.
    Auth,
    /// The account has no credit left.
    Billing,
    /// Too many requests or tokens.
    RateLimited,
    /// The provider has no capacity.
    Overloaded,
    /// The provider failed.
    Server,
    /// It took too long.
    Timeout,
    /// The connection failed, was reset or cut.
    Transport,
    /// The answer is not of the wire that was asked.
    Unreadable,
    /// The provider knows no such model.
    ModelNotFound,
    /// The conversation is longer than the model's window.
    ContextTooLong,
    /// The provider's filter withheld the answer.
    Filtered,
    /// The provider refuses the request as it is.
    InvalidRequest,
    /// This build cannot ask it.
    Unsupported,
}

impl ErrorClass {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Auth,
        Self::Billing,
        Self::RateLimited,
        Self::Overloaded,
        Self::Server,
        Self::Timeout,
        Self::Transport,
        Self::Unreadable,
        Self::ModelNotFound,
        Self::ContextTooLong,
        Self::Filtered,
        Self::InvalidRequest,
        Self::Unsupported,
    ];

    /// The word for programs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Billing => "billing",
            Self::RateLimited => "rate_limit",
            Self::Overloaded => "overloaded",
            Self::Server => "server",
            Self::Timeout => "timeout",
            Self::Transport => "transport",
            Self::Unreadable => "unreadable",
            Self::ModelNotFound => "unknown_model",
            Self::ContextTooLong => "context_overflow",
            Self::Filtered => "content_filter",
            Self::InvalidRequest => "bad_request",
            Self::Unsupported => "unsupported",
        }
    }

    /// What is done about it.
    pub fn action(self) -> Action {
        match self {
            Self::RateLimited => Action::OtherKeyOrAgain,
            Self::Overloaded
            | Self::Server
            | Self::Timeout
            | Self::Transport
            | Self::Unreadable => Action::Again,
            Self::Auth | Self::Billing | Self::ModelNotFound => Action::OtherKey,
            Self::ContextTooLong | Self::Filtered | Self::InvalidRequest | Self::Unsupported => {
                Action::OtherModel
            }
        }
    }

    /// Whether the same request to the same model may succeed a moment later.
    pub fn is_transient(self) -> bool {
        matches!(self.action(), Action::Again | Action::OtherKeyOrAgain)
    }
}

/// What is done about a failure. Whatever it is, the next model is asked when nothing else helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// The same again after a pause; the model's other keys come after the other models.
    Again,
    /// Another key of the same model at once; without one the same again after a pause.
    OtherKeyOrAgain,
    /// Another key of the same model.
    OtherKey,
    /// Another model: with another key the request fails in the same way.
    OtherModel,
}

/// Codes that providers put into an error's body, whatever the status.
const CODES: &[(&str, ErrorClass)] = &[
    ("api_error", ErrorClass::Server),
    ("authentication_error", ErrorClass::Auth),
    ("billing_error", ErrorClass::Billing),
    ("billing_hard_limit_reached", ErrorClass::Billing),
    ("content_filter", ErrorClass::Filtered),
    ("content_policy_violation", ErrorClass::Filtered),
    ("context_length_exceeded", ErrorClass::ContextTooLong),
    ("deadline_exceeded", ErrorClass::Timeout),
    ("engine_overloaded_error", ErrorClass::Overloaded),
    ("insufficient_quota", ErrorClass::Billing),
    ("internal", ErrorClass::Server),
    ("internal_error", ErrorClass::Server),
    ("internal_server_error", ErrorClass::Server),
    ("invalid_api_key", ErrorClass::Auth),
    ("invalid_argument", ErrorClass::InvalidRequest),
    ("invalid_request_error", ErrorClass::InvalidRequest),
    ("model_not_found", ErrorClass::ModelNotFound),
    ("not_found_error", ErrorClass::ModelNotFound),
    ("overloaded", ErrorClass::Overloaded),
    ("overloaded_error", ErrorClass::Overloaded),
    ("permission_denied", ErrorClass::Auth),
    ("permission_error", ErrorClass::Auth),
    ("rate_limit_error", ErrorClass::RateLimited),
    ("rate_limit_exceeded", ErrorClass::RateLimited),
    ("request_too_large", ErrorClass::ContextTooLong),
    ("resource_exhausted", ErrorClass::RateLimited),
    ("server_error", ErrorClass::Server),
    ("server_overloaded", ErrorClass::Overloaded),
    ("service_unavailable", ErrorClass::Overloaded),
    ("slow_down", ErrorClass::Overloaded),
    ("timeout", ErrorClass::Timeout),
    ("timeout_error", ErrorClass::Timeout),
    ("unauthenticated", ErrorClass::Auth),
    ("unavailable", ErrorClass::Overloaded),
];

/// What messages say, in lower case, where the code is missing or says as good as nothing.
const WORDS: &[(&str, ErrorClass)] = &[
    ("context length", ErrorClass::ContextTooLong),
    ("context window", ErrorClass::ContextTooLong),
    ("context_length", ErrorClass::ContextTooLong),
    ("exceeds the available context size", ErrorClass::ContextTooLong),
    ("input is too long", ErrorClass::ContextTooLong),
    ("maximum context", ErrorClass::ContextTooLong),
    ("prompt is too long", ErrorClass::ContextTooLong),
    ("too many tokens", ErrorClass::ContextTooLong),
    ("credit balance is too low", ErrorClass::Billing),
    ("insufficient balance", ErrorClass::Billing),
    ("insufficient credits", ErrorClass::Billing),
    ("payment required", ErrorClass::Billing),
    ("api key not valid", ErrorClass::Auth),
    ("incorrect api key", ErrorClass::Auth),
    ("invalid api key", ErrorClass::Auth),
    ("no auth credentials", ErrorClass::Auth),
    ("content management policy", ErrorClass::Filtered),
    ("content policy", ErrorClass::Filtered),
    ("is not a valid model", ErrorClass::ModelNotFound),
    ("model not found", ErrorClass::ModelNotFound),
    ("try pulling it first", ErrorClass::ModelNotFound),
];

/// The class of an error answer.
///
/// `status` is `None` for an error inside a stream that began well. `code` is what the body says
/// in `error.code`, `status` or `type`; a number there is taken as a status. An error in a stream
/// without a known code counts as the server's: another try is cheap, a lost turn is not.
pub fn classify(status: Option<u16>, code: Option<&str>, message: &str) -> ErrorClass {
    let code = code.map(str::to_ascii_lowercase);
    let code = code.as_deref();
    let named =
        code.and_then(|code| CODES.iter().find(|(name, _)| *name == code).map(|(_, class)| *class));
    if matches!(named, Some(ErrorClass::InvalidRequest) | None) {
        // The generic code hides the cause that the message names.
        let message = message.to_ascii_lowercase();
        if let Some((_, class)) = WORDS.iter().find(|(words, _)| message.contains(words)) {
            return *class;
        }
    }
    match named {
        // A quota that is used up comes as 429, and waiting does not help.
        Some(class @ (ErrorClass::Billing | ErrorClass::ContextTooLong | ErrorClass::Filtered)) => {
            return class;
        }
        Some(class) if status.is_none() => return class,
        Some(_) | None => {}
    }
    let number = code.and_then(|code| code.parse::<u16>().ok());
    match status.or(number.filter(|number| *number >= 400)) {
        Some(status) => of_status(status, named),
        None => named.unwrap_or(ErrorClass::Server),
    }
}

fn of_status(status: u16, named: Option<ErrorClass>) -> ErrorClass {
    match status {
        401 | 403 => ErrorClass::Auth,
        402 => ErrorClass::Billing,
        404 => ErrorClass::ModelNotFound,
        408 => ErrorClass::Timeout,
        413 => ErrorClass::ContextTooLong,
        425 => ErrorClass::Overloaded,
        429 => ErrorClass::RateLimited,
        503 | 529 => ErrorClass::Overloaded,
        504 => ErrorClass::Timeout,
        500..=599 => ErrorClass::Server,
        // Only what says that nothing was wrong with the request is tried again on other 4xx.
        400..=499 => match named {
            Some(class) if !class.is_transient() => class,
            Some(_) | None => ErrorClass::InvalidRequest,
        },
        _ => ErrorClass::Unreadable,
    }
}

#[cfg(test)]
mod tests {
    use super::{Action, CODES, ErrorClass, WORDS, classify};
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn the_table() {
        use ErrorClass as C;
        for (status, code, message, expected) in [
            (Some(401), Some("invalid_api_key"), "", C::Auth),
            (Some(403), None, "", C::Auth),
            (Some(402), None, "", C::Billing),
            (Some(400), Some("invalid_request_error"), "bad", C::InvalidRequest),
            (Some(400), Some("overloaded_error"), "", C::InvalidRequest),
            (Some(400), Some("context_length_exceeded"), "", C::ContextTooLong),
            (Some(400), Some("invalid_request_error"), "prompt is too long: 9", C::ContextTooLong),
            (Some(404), Some("not_found_error"), "", C::ModelNotFound),
            (Some(408), None, "", C::Timeout),
            (Some(413), Some("request_too_large"), "", C::ContextTooLong),
            (Some(422), None, "", C::InvalidRequest),
            (Some(425), None, "", C::Overloaded),
            (Some(429), Some("rate_limit_error"), "", C::RateLimited),
            (Some(429), Some("insufficient_quota"), "", C::Billing),
            (Some(500), Some("api_error"), "", C::Server),
            (Some(502), None, "<html>", C::Server),
            (Some(503), None, "", C::Overloaded),
            (Some(504), None, "", C::Timeout),
            (Some(529), Some("overloaded_error"), "", C::Overloaded),
            (Some(302), None, "", C::Unreadable),
            (None, Some("overloaded_error"), "", C::Overloaded),
            (None, Some("OVERLOADED_ERROR"), "", C::Overloaded),
            (None, Some("invalid_request_error"), "", C::InvalidRequest),
            (None, Some("authentication_error"), "", C::Auth),
            (None, Some("502"), "", C::Server),
            (None, Some("429"), "", C::RateLimited),
            (Some(400), Some("INVALID_ARGUMENT"), "API key not valid.", C::Auth),
            (Some(400), None, "Your credit balance is too low", C::Billing),
            (Some(404), None, "model \"x\" not found, try pulling it first", C::ModelNotFound),
            (Some(429), Some("RESOURCE_EXHAUSTED"), "check your billing", C::RateLimited),
            (None, Some("never heard of"), "", C::Server),
            (None, None, "", C::Server),
        ] {
            assert_eq!(classify(status, code, message), expected, "{status:?} {code:?} {message}");
        }
    }

    #[test]
    fn names_are_told_apart_and_tables_hold_each_entry_once() {
        let names: HashSet<&str> = ErrorClass::ALL.iter().map(|class| class.as_str()).collect();
        assert_eq!(names.len(), ErrorClass::ALL.len());
        let codes: HashSet<&str> = CODES.iter().map(|(code, _)| *code).collect();
        assert_eq!(codes.len(), CODES.len());
        let words: HashSet<&str> = WORDS.iter().map(|(words, _)| *words).collect();
        assert_eq!(words.len(), WORDS.len());
        assert!(WORDS.iter().all(|(words, _)| *words == words.to_ascii_lowercase()));
    }

    proptest! {
        #[test]
        fn whatever_was_answered_there_is_one_class_and_what_to_do(
            status in proptest::option::of(any::<u16>()),
            code in proptest::option::of(".{0,24}"),
            message in ".{0,80}",
        ) {
            let class = classify(status, code.as_deref(), &message);
            prop_assert!(ErrorClass::ALL.contains(&class));
            prop_assert_eq!(class, classify(status, code.as_deref(), &message));
            prop_assert_eq!(class.is_transient(), matches!(
                class.action(), Action::Again | Action::OtherKeyOrAgain
            ));
        }

        #[test]
        fn only_these_statuses_are_tried_again(
            status in 400u16..600,
            code in proptest::option::of("[a-z_]{0,24}"),
        ) {
            let class = classify(Some(status), code.as_deref(), "");
            let listed = matches!(status, 408 | 425 | 429 | 500..=599);
            prop_assert!(!class.is_transient() || listed);
        }
    }
}
