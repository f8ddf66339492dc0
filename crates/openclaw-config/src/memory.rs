use std::path::PathBuf;

use openclaw_core::Secret;

/// `[memory]`: what agents can search of their notes and past sessions.
#[derive(Debug, Clone, PartialEq)]
pub struct MemorySettings {
    /// What finds texts by their meaning.
    pub embeddings: EmbeddingSettings,
    /// Which sessions can be searched beside the notes.
    pub sessions: MemorySessions,
    /// Who may search: the tools are there for nobody else.
    pub who: MemoryAudience,
    /// Results of one search, unless it asks for another number.
    pub max_results: u32,
    /// The least score of a result by words and meaning, from 0 to 1.
    pub min_score: f64,
    /// How much meaning counts against words; the rest to 1 is words.
    pub vector_weight: f64,
    /// The size of a chunk, in tokens of about four characters.
    pub chunk_tokens: u32,
    /// How much of a chunk the next one repeats.
    pub chunk_overlap: u32,
}

impl Default for MemorySettings {
    fn default() -> Self {
        Self {
            embeddings: EmbeddingSettings::None,
            sessions: MemorySessions::Off,
            who: MemoryAudience::Owner,
            max_results: 6,
            min_score: 0.2,
            vector_weight: 0.7,
            chunk_tokens: 400,
            chunk_overlap: 80,
        }
    }
}

/// What finds texts by their meaning.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum EmbeddingSettings {
    /// Nothing: texts are found by their words.
    #[default]
    None,
    /// A model of a service.
    Remote(RemoteEmbeddings),
    /// A model in a folder of this machine.
    Local(PathBuf),
}

/// A service's embedding model.
#[derive(Debug, Clone, PartialEq)]
pub struct RemoteEmbeddings {
    /// The wire it speaks.
    pub api: EmbeddingApi,
    /// The root of its API, for OpenAI with `/v1`.
    pub base_url: String,
    /// The key; `None` where the server asks for none.
    pub api_key: Option<Secret>,
    /// The model.
    pub model: String,
}

/// The wire of a service's embeddings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EmbeddingApi {
    /// OpenAI, and whatever is compatible.
    OpenAi,
    /// Google Gemini.
    Gemini,
    /// Ollama.
    Ollama,
}

impl EmbeddingApi {
    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Gemini => "gemini",
            Self::Ollama => "ollama",
        }
    }
}

/// Which sessions can be searched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemorySessions {
    /// None.
    #[default]
    Off,
    /// The owner's own: the main session, and those of the owner's programs.
    Private,
    /// All, groups and other people's too; whatever was said in one can then be found from all.
    All,
}

/// Who may search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum MemoryAudience {
    /// The owner, wherever it is.
    #[default]
    Owner,
    /// Everyone who may talk to the agent.
    Everyone,
}
