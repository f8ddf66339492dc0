use openclaw_core::Secret;

/// `[tts]`: how text becomes speech.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TtsSettings {
    /// Who speaks.
    pub provider: TtsProvider,
    /// The root of its API; unused by programs.
    pub base_url: String,
    /// The key; `None` where none is asked for.
    pub api_key: Option<Secret>,
    /// The model, where the provider has several.
    pub model: Option<String>,
    /// The voice: a name, an id, or for `piper` the path of a voice file.
    pub voice: Option<String>,
    /// The longest text, in characters.
    pub max_chars: usize,
    /// The time limit of one call.
    pub timeout: std::time::Duration,
}

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TtsProvider {
    /// OpenAI's `/v1/audio/speech`, and whatever is compatible.
    OpenAi,
    /// ElevenLabs.
    ElevenLabs,
    /// The program `piper` of this machine.
    Piper,
    /// The program `espeak-ng` of this machine.
    EspeakNg,
}
