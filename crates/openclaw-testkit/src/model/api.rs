/// The wire a request came in on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// `POST /v1/chat/completions`.
    Chat,
    /// `POST /v1/messages`.
    Messages,
    /// `POST /v1/responses`.
    Responses,
    /// `POST /v1beta/models/<model>:streamGenerateContent`.
    Gemini,
    /// `POST /api/chat` of Ollama.
    Ollama,
}

impl Api {
    /// All, for suites that run on each.
    pub const ALL: [Self; 5] =
        [Self::Chat, Self::Messages, Self::Responses, Self::Gemini, Self::Ollama];

    /// The wire's name in the configuration.
    pub const fn config_name(self) -> &'static str {
        match self {
            Self::Chat => "openai-chat",
            Self::Messages => "anthropic-messages",
            Self::Responses => "openai-responses",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }

    pub(crate) fn of_path(path: &str) -> Option<Self> {
        match path.trim_end_matches('/') {
            "/v1/chat/completions" | "/chat/completions" => Some(Self::Chat),
            "/v1/messages" => Some(Self::Messages),
            "/v1/responses" => Some(Self::Responses),
            "/api/chat" => Some(Self::Ollama),
            other => gemini(other).map(|_| Self::Gemini),
        }
    }
}

/// The model and the operation that a path of the Gemini wire names.
pub(super) fn gemini(path: &str) -> Option<(&str, &str)> {
    let (model, operation) = path.strip_prefix("/v1beta/models/")?.split_once(':')?;
    matches!(operation, "streamGenerateContent" | "generateContent").then_some((model, operation))
}
