/// The wire a request came in on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// `POST /v1/chat/completions`.
    Chat,
    /// `POST /v1/messages`.
    Messages,
}

impl Api {
    /// Both, for suites that run on each.
    pub const ALL: [Self; 2] = [Self::Chat, Self::Messages];

    pub(crate) fn of_path(path: &str) -> Option<Self> {
        match path.trim_end_matches('/') {
            "/v1/chat/completions" | "/chat/completions" => Some(Self::Chat),
            "/v1/messages" => Some(Self::Messages),
            _ => None,
        }
    }
}
