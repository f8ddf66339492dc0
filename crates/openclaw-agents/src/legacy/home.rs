//! What Pi finds on the disk: its settings and models, and the session's own file.

use std::path::{Path, PathBuf};

use openclaw_config::{Config, ProviderApi};
use openclaw_core::SessionId;
use serde_json::json;

use super::error::PiError;
use crate::model::{Candidate, ModelFacts};

/// The variable that the model's key is given in; the file only names it.
pub(super) const KEY_VARIABLE: &str = "OPENCLAW_PI_KEY";

/// The name of the one provider that Pi knows of.
pub(super) const PROVIDER: &str = "openclaw";

/// The folders of one session's child.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Home {
    /// Its settings; its `HOME` too.
    pub(super) folder: PathBuf,
    /// Its conversation.
    pub(super) conversation: PathBuf,
}

impl Home {
    pub(super) fn of(config: &Config, session: &SessionId) -> Self {
        let folder = config.state_dir.join("pi").join(session.as_str());
        Self { conversation: folder.join("conversation.jsonl"), folder }
    }

    /// Writes what Pi reads when it starts, and makes the folder that it works in.
    pub(super) async fn write(
        &self,
        workspace: &Path,
        candidate: &Candidate,
        config_window: Option<u64>,
    ) -> Result<(), PiError> {
        let (folder, models) = (self.folder.clone(), models(candidate, config_window).to_string());
        let workspace = workspace.to_owned();
        let written =
            tokio::task::spawn_blocking(move || write(&folder, &workspace, &models)).await;
        written.unwrap_or_else(|error| Err(std::io::Error::other(error))).map_err(PiError::Home)
    }
}

fn write(folder: &Path, workspace: &Path, models: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    std::fs::create_dir_all(workspace)?;
    std::fs::write(folder.join("models.json"), models)?;
    // It would look for newer versions of itself and report that it was installed.
    std::fs::write(folder.join("settings.json"), "{\"enableInstallTelemetry\":false}")
}

fn models(candidate: &Candidate, config_window: Option<u64>) -> serde_json::Value {
    let provider = &candidate.provider;
    let facts = ModelFacts::of(&provider.name, provider.api, &candidate.model);
    let (api, base_url) = endpoint(provider.api, &provider.base_url);
    let input = if facts.images { &["text", "image"][..] } else { &["text"] };
    json!({"providers": {PROVIDER: {
        "baseUrl": base_url,
        "api": api,
        "apiKey": KEY_VARIABLE,
        // What servers that are only compatible may not know.
        "compat": {"supportsDeveloperRole": false, "supportsReasoningEffort": false},
        "models": [{
            "id": candidate.model,
            "reasoning": false,
            "input": input,
            "contextWindow": config_window.unwrap_or(facts.context_window),
            "maxTokens": facts.max_output,
        }],
    }}})
}

/// Pi's name of a wire, and where it is spoken.
fn endpoint(api: ProviderApi, base_url: &str) -> (&'static str, String) {
    let base = base_url.trim_end_matches('/');
    match api {
        ProviderApi::OpenAiChat => ("openai-completions", base.to_owned()),
        ProviderApi::OpenAiResponses => ("openai-responses", base.to_owned()),
        ProviderApi::AnthropicMessages => {
            ("anthropic-messages", base.trim_end_matches("/v1").to_owned())
        }
        ProviderApi::Gemini => {
            ("google-generative-ai", format!("{}/v1beta", base.trim_end_matches("/v1beta")))
        }
        ProviderApi::Ollama => {
            ("openai-completions", format!("{}/v1", base.trim_end_matches("/v1")))
        }
    }
}
