use openclaw_core::Secret;

use super::models::read_base_url;
use crate::{MemoryAudience, MemorySessions, Spanned, TableReader};

/// `[memory]`, before its provider is looked up.
pub(crate) struct MemoryFields {
    pub(crate) provider: Spanned<EmbeddingProvider>,
    pub(crate) model: Option<String>,
    pub(crate) base_url: Option<String>,
    pub(crate) api_key: Option<Secret>,
    pub(crate) model_path: Option<Spanned<String>>,
    pub(crate) sessions: MemorySessions,
    pub(crate) who: MemoryAudience,
    pub(crate) max_results: u32,
    pub(crate) min_score: f64,
    pub(crate) vector_weight: f64,
    pub(crate) chunk_tokens: u32,
    pub(crate) chunk_overlap: Spanned<u32>,
}

/// Whose embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EmbeddingProvider {
    None,
    OpenAi,
    Gemini,
    Ollama,
    Local,
}

const PROVIDERS: [(&str, EmbeddingProvider); 5] = [
    ("none", EmbeddingProvider::None),
    ("openai", EmbeddingProvider::OpenAi),
    ("gemini", EmbeddingProvider::Gemini),
    ("ollama", EmbeddingProvider::Ollama),
    ("local", EmbeddingProvider::Local),
];
const SESSIONS: [(&str, MemorySessions); 3] = [
    ("off", MemorySessions::Off),
    ("private", MemorySessions::Private),
    ("all", MemorySessions::All),
];
const AUDIENCES: [(&str, MemoryAudience); 2] =
    [("owner", MemoryAudience::Owner), ("everyone", MemoryAudience::Everyone)];

pub(super) fn read_memory(reader: &mut TableReader<'_>) -> MemoryFields {
    let provider = reader
        .choice("provider", "What finds texts by their meaning. none: they are found by their words alone; openai is anything that speaks its wire; local needs local.model_path.", &PROVIDERS)
        .spanned()
        .default("none");
    let model =
        reader.string("model", "The embedding model; known for openai and gemini.").optional();
    let base_url = reader
        .string("base_url", "The root of the API, for openai with /v1; without it that of models.providers.<provider>, else the usual one.")
        .parse(|text| read_base_url(text).map(|(url, _)| url))
        .optional();
    let api_key =
        reader.secret("api_key", "The key; without it that of models.providers.<provider>.");
    let model_path = reader.table("local", "A model on this machine.", |reader| {
        reader
            .string("model_path", "The folder of a sentence model of the BERT family: model.safetensors, config.json, vocab.txt.")
            .spanned()
            .optional()
    });
    let sessions = reader
        .choice("sessions", "Which sessions can be searched beside the notes. private: the owner's own; all: groups and other people's too, and what was said in one can be found from all.", &SESSIONS)
        .default("off");
    let who = reader
        .choice("who", "For whom the tools memory_search and memory_get are there. owner: session.owners and the owner's programs, in groups too.", &AUDIENCES)
        .default("owner");
    let (max_results, min_score, vector_weight) =
        reader.table("query", "How a search ranks.", |reader| {
            let max_results = reader
                .integer(
                    "max_results",
                    "Results of one search, unless it asks for another number.",
                    1..=50,
                )
                .default(6);
            let min_score = reader
                .number("min_score", "The least score of a result by words and meaning.", 0.0..=1.0)
                .default(0.2);
            let vector_weight = reader
                .number(
                    "vector_weight",
                    "How much meaning counts against words; the rest to 1 is words.",
                    0.0..=1.0,
                )
                .default(0.7);
            (max_results, min_score, vector_weight)
        });
    let (chunk_tokens, chunk_overlap) = reader.table("chunking", "How files are cut.", |reader| {
        let tokens = reader
            .integer(
                "tokens",
                "The size of a chunk, in tokens of about four characters.",
                50..=4_000,
            )
            .default(400);
        let overlap = reader
            .integer(
                "overlap",
                "How much of a chunk the next one repeats, in such tokens.",
                0..=2_000,
            )
            .spanned()
            .default(80);
        (tokens, overlap)
    });
    MemoryFields {
        provider,
        model,
        base_url,
        api_key,
        model_path,
        sessions,
        who,
        max_results,
        min_score,
        vector_weight,
        chunk_tokens,
        chunk_overlap,
    }
}
