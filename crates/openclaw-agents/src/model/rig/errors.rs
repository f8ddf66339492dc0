use std::time::Duration;

use http::HeaderMap;
use openclaw_core::Secret;
use rig_core::http_client::Error as HttpError;
use rig_core::{ProviderError, ProviderResponseError};
use serde_json::Value;

use super::idle::TransportError;
use crate::model::{ErrorClass, ModelError, classify};

/// The longest part of a provider's own words that is kept.
const LONGEST_WORDS: usize = 400;

/// Turns rig's errors into ours.
#[derive(Debug, Clone)]
pub(super) struct Translator {
    model: String,
    key: Option<Secret>,
}

impl Translator {
    pub(super) fn new(model: String, key: Option<Secret>) -> Self {
        Self { model, key }
    }

    pub(super) fn translate(&self, error: &ProviderError) -> ModelError {
        match error {
            ProviderError::ProviderResponse(response)
            | ProviderError::InvalidAuthentication(response)
            | ProviderError::CacheExpired { response, .. } => self.response(response),
            ProviderError::Http(error) => self.http(error),
            ProviderError::Truncated => self.error(ErrorClass::Transport, "the reply was cut off"),
            ProviderError::Json(error) => {
                self.error(ErrorClass::Unreadable, &format!("the reply is not readable: {error}"))
            }
            ProviderError::Response(message) | ProviderError::Provider(message) => {
                self.error(ErrorClass::Unreadable, message)
            }
            ProviderError::Url(error) => {
                self.error(ErrorClass::Unsupported, &format!("base_url is no URL: {error}"))
            }
            ProviderError::Request(_)
            | ProviderError::UnsupportedOption(_)
            | ProviderError::MismatchedDimensions { .. } => {
                self.error(ErrorClass::InvalidRequest, &error.to_string())
            }
            ProviderError::Relayed(report) => self.error(ErrorClass::Server, &report.message),
            other => self.error(ErrorClass::Server, &other.to_string()),
        }
    }

    /// The provider ended the reply, and says that it is no answer.
    pub(super) fn refused(&self, reason: &str) -> ModelError {
        let filtered = ["content_filter", "refus", "safety"]
            .iter()
            .any(|word| reason.to_ascii_lowercase().contains(word));
        let class = if filtered { ErrorClass::Filtered } else { ErrorClass::Server };
        self.error(class, reason)
    }

    fn error(&self, class: ErrorClass, message: &str) -> ModelError {
        ModelError::new(&self.model, class, self.scrub(message))
    }

    fn response(&self, response: &ProviderResponseError) -> ModelError {
        let status = response.status.map(|status| status.as_u16());
        self.answer(status, response.headers.as_ref(), &response.body)
    }

    fn answer(&self, status: Option<u16>, headers: Option<&HeaderMap>, body: &str) -> ModelError {
        let said = Said::read(body);
        let class = classify(status, said.code.as_deref(), &said.message);
        let message = match status {
            Some(status) => format!("answered {status}: {}", said.message),
            None => format!("failed in the middle of its reply: {}", said.message),
        };
        ModelError {
            status,
            retry_after: headers.and_then(retry_after),
            ..self.error(class, &message)
        }
    }

    fn http(&self, error: &HttpError) -> ModelError {
        match error {
            HttpError::InvalidStatusCodeWithDetails { status, body, headers } => {
                self.answer(Some(status.as_u16()), Some(headers), body)
            }
            HttpError::Instance(cause) => {
                let class = match cause.downcast_ref::<TransportError>() {
                    Some(TransportError::NotEvents { body, .. }) => match Said::read(body) {
                        Said { code: Some(code), message } => classify(None, Some(&code), &message),
                        Said { code: None, .. } => ErrorClass::Unreadable,
                    },
                    Some(TransportError::Idle(_)) => ErrorClass::Timeout,
                    Some(TransportError::TooLong(_)) => ErrorClass::Unreadable,
                    Some(TransportError::Client(_)) => ErrorClass::Unsupported,
                    Some(TransportError::Http(error)) if error.is_timeout() => ErrorClass::Timeout,
                    Some(TransportError::Http(_)) | None => ErrorClass::Transport,
                };
                self.error(class, &cause.to_string())
            }
            HttpError::StreamEnded => self.error(ErrorClass::Transport, "the reply was cut off"),
            HttpError::InvalidContentType(kind) => {
                self.error(ErrorClass::Unreadable, &format!("the reply is of type {kind:?}"))
            }
            HttpError::Protocol(_) | HttpError::InvalidHeaderValue(_) | HttpError::NoHeaders => {
                self.error(ErrorClass::InvalidRequest, &error.to_string())
            }
        }
    }

    /// Cuts the text, on one line, and takes the key out of it.
    fn scrub(&self, text: &str) -> String {
        let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(key) = self.key.as_ref().filter(|key| !key.is_empty()) {
            text = text.replace(key.expose(), "***");
        }
        if let Some((end, _)) = text.char_indices().nth(LONGEST_WORDS) {
            text.truncate(end);
            text.push('…');
        }
        text
    }
}

/// What an error's body says.
struct Said {
    code: Option<String>,
    message: String,
}

impl Said {
    fn read(body: &str) -> Self {
        let Ok(value) = serde_json::from_str::<Value>(body) else {
            return Self { code: None, message: body.to_owned() };
        };
        let error = [&value["error"], &value["response"]["error"], &value[0]["error"]]
            .into_iter()
            .find(|error| !error.is_null())
            .unwrap_or(&value);
        let text = |value: &Value| match value {
            Value::String(text) if !text.is_empty() => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        let code = ["code", "status", "type"].iter().find_map(|field| text(&error[field]));
        let message =
            text(&error["message"]).or_else(|| text(error)).unwrap_or_else(|| body.to_owned());
        Self { code, message }
    }
}

/// `retry-after-ms`, or `Retry-After` in seconds. A date there would need the provider's clock to
/// agree with ours; none of them sends one.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<f64>().ok();
    let seconds = number("retry-after-ms")
        .map(|millis| millis / 1_000.0)
        .or_else(|| number("retry-after"))?;
    Duration::try_from_secs_f64(seconds).ok()
}

#[cfg(test)]
mod tests {
    use super::Translator;
    use crate::model::ErrorClass;
    use openclaw_core::Secret;
    use rig_core::ProviderError;

    fn translator() -> Translator {
        Translator::new("openai/x".to_owned(), Some(Secret::new("sk-canary")))
    }

    #[test]
    fn the_key_is_scrubbed_and_the_words_are_kept() {
        let body = r#"{"error":{"message":"Incorrect key: sk-canary","code":"invalid_api_key"}}"#;
        let error = ProviderError::from_http_response(http::StatusCode::UNAUTHORIZED, body);
        let error = translator().translate(&error);
        assert_eq!(error.class, ErrorClass::Auth);
        assert_eq!(error.to_string(), "openai/x: answered 401: Incorrect key: ***");
        assert!(!format!("{error:?}").contains("canary"));
    }

    #[test]
    fn an_error_within_a_stream_is_classified_by_its_code() {
        for (body, expected) in [
            (
                r#"{"type":"error","error":{"type":"overloaded_error","message":"x"}}"#,
                ErrorClass::Overloaded,
            ),
            (r#"{"response":{"error":{"code":"server_error","message":"x"}}}"#, ErrorClass::Server),
            (r#"{"error":{"code":502,"message":"x"}}"#, ErrorClass::Server),
            (r#"{"error":{"code":401,"message":"x"}}"#, ErrorClass::Auth),
        ] {
            let error = translator().translate(&ProviderError::from_provider_body(body));
            assert_eq!(error.class, expected, "{body}");
        }
    }
}
