use std::time::Duration;

use super::models::read_base_url;
use crate::{TableReader, TtsProvider, TtsSettings};

const PROVIDERS: [(&str, TtsProvider); 4] = [
    ("openai", TtsProvider::OpenAi),
    ("elevenlabs", TtsProvider::ElevenLabs),
    ("piper", TtsProvider::Piper),
    ("espeak-ng", TtsProvider::EspeakNg),
];

/// Reads `[tts]`; without a provider nothing is spoken.
pub(super) fn read_tts(reader: &mut TableReader<'_>) -> Option<TtsSettings> {
    let provider = reader
        .choice(
            "provider",
            "Who turns text into speech; without it there is no tool `tts`.",
            &PROVIDERS,
        )
        .inert()
        .optional();
    let base_url = reader
        .string("base_url", "The root of the provider's API, for OpenAI with /v1.")
        .parse(|text| read_base_url(text).map(|(url, _)| url))
        .optional();
    let api_key = reader.secret("api_key", "The key; absent where none is asked for.");
    let model = reader
        .string("model", "The model, such as \"gpt-4o-mini-tts\" or \"eleven_multilingual_v2\".")
        .optional();
    let voice = reader
        .string("voice", "The voice: a name, an id, or for piper the path of a voice file.")
        .optional();
    let max_chars = reader
        .integer("max_chars", "The longest text that is spoken, in characters.", 1..=50_000_u32)
        .default(4_000);
    let timeout =
        reader.integer("timeout_seconds", "The time limit of one call.", 1..=600_u64).default(60);
    let provider = provider?;
    if provider == TtsProvider::Piper && voice.is_none() {
        reader.issue_with_hint(
            "voice",
            "is missing",
            "the path of a voice file such as \"~/voices/en_US-amy-medium.onnx\"",
        );
    }
    if provider == TtsProvider::ElevenLabs && api_key.is_none() {
        reader.issue("api_key", "is missing");
    }
    let usual = match provider {
        TtsProvider::OpenAi => "https://api.openai.com/v1",
        TtsProvider::ElevenLabs => "https://api.elevenlabs.io",
        TtsProvider::Piper | TtsProvider::EspeakNg => "",
    };
    Some(TtsSettings {
        provider,
        base_url: base_url.unwrap_or_else(|| usual.to_owned()),
        api_key,
        model,
        voice,
        max_chars: usize::try_from(max_chars).unwrap_or(usize::MAX),
        timeout: Duration::from_secs(timeout),
    })
}
