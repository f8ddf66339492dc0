use std::io;
use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

/// `config.json` of a model, as far as it matters.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(super) struct BertConfig {
    pub(super) hidden_size: usize,
    pub(super) intermediate_size: usize,
    pub(super) max_position_embeddings: usize,
    pub(super) num_attention_heads: usize,
    pub(super) num_hidden_layers: usize,
    pub(super) vocab_size: usize,
    #[serde(default = "usual_epsilon")]
    pub(super) layer_norm_eps: f32,
    #[serde(default = "usual_activation")]
    hidden_act: String,
    #[serde(default)]
    model_type: String,
}

fn usual_epsilon() -> f32 {
    1e-12
}

fn usual_activation() -> String {
    "gelu".to_owned()
}

/// How the vectors of a text's words become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pooling {
    /// Their mean.
    Mean,
    /// That of the first.
    First,
}

/// What a folder says of its model.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ModelConfig {
    pub(super) bert: BertConfig,
    pub(super) pooling: Pooling,
    /// Words of a text that are looked at together, with the two that stand around them.
    pub(super) window: usize,
    pub(super) lowers_case: bool,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct PoolingFile {
    pooling_mode_cls_token: bool,
}

#[derive(Debug, Deserialize, Default)]
#[serde(default)]
struct SentenceFile {
    max_seq_length: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(default)]
struct TokenizerFile {
    do_lower_case: bool,
}

impl Default for TokenizerFile {
    fn default() -> Self {
        Self { do_lower_case: true }
    }
}

impl ModelConfig {
    /// Reads what a folder says of its model.
    pub(super) fn read(folder: &Path) -> io::Result<Self> {
        let bert: BertConfig = json(&folder.join("config.json"))?
            .ok_or_else(|| io::Error::other("config.json is missing"))?;
        let unusable = |problem: &str| Err(io::Error::new(io::ErrorKind::InvalidData, problem));
        if !bert.model_type.is_empty() && bert.model_type != "bert" {
            return unusable("config.json: only models of the type bert can be used");
        }
        if bert.hidden_act != "gelu" {
            return unusable("config.json: only gelu can be used as hidden_act");
        }
        let heads = bert.num_attention_heads;
        if heads == 0 || !bert.hidden_size.is_multiple_of(heads) || bert.vocab_size == 0 {
            return unusable("config.json: the sizes do not fit each other");
        }
        let pooling: PoolingFile = json(&folder.join("1_Pooling/config.json"))?.unwrap_or_default();
        let sentence: SentenceFile =
            json(&folder.join("sentence_bert_config.json"))?.unwrap_or_default();
        let tokenizer: TokenizerFile =
            json(&folder.join("tokenizer_config.json"))?.unwrap_or_default();
        let longest = bert.max_position_embeddings;
        Ok(Self {
            pooling: if pooling.pooling_mode_cls_token { Pooling::First } else { Pooling::Mean },
            window: sentence.max_seq_length.unwrap_or(longest).clamp(8, longest.max(8)),
            lowers_case: tokenizer.do_lower_case,
            bert,
        })
    }
}

fn json<T: DeserializeOwned>(path: &Path) -> io::Result<Option<T>> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let parsed = serde_json::from_str(&text).map_err(|error| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        io::Error::new(io::ErrorKind::InvalidData, format!("{name}: {error}"))
    })?;
    Ok(Some(parsed))
}
