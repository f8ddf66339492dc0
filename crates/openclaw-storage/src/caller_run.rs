//! Runs of programs that bring instructions and tools of their own.

use openclaw_core::{CallId, ToolName};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

/// What a program asks of a run besides its message.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct CallerRun {
    /// Added to the system prompt of this run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<String>,
    /// The caller's own tools: the model may call them, the gateway never runs them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<CallerTool>,
    /// Whether the model has to call one of them.
    #[serde(default, skip_serializing_if = "CallerChoice::is_auto")]
    pub choice: CallerChoice,
    /// What came out of calls that an earlier run ended with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub results: Vec<CallerResult>,
    /// The most tokens of one answer of the model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    /// How the model chooses its next word.
    #[serde(default, skip_serializing_if = "Sampling::is_default")]
    pub sampling: Sampling,
}

/// How a model chooses its next word; what is not said is the model's own.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 is the most likely word, always.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Number>,
    /// Only the most likely words that together have this probability.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub top_p: Option<Number>,
    /// Texts that end the answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<String>,
}

impl Sampling {
    /// Whether nothing is said.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// A tool that only its caller can run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerTool {
    /// The name.
    pub name: ToolName,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// The JSON Schema of its arguments.
    pub parameters: Value,
}

/// Whether the model has to call a caller's tool.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallerChoice {
    /// It decides.
    #[default]
    Auto,
    /// Some tool of the caller.
    Required,
    /// This one.
    Named(ToolName),
}

impl CallerChoice {
    fn is_auto(&self) -> bool {
        *self == Self::Auto
    }
}

/// What came out of one call of a caller's tool.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerResult {
    /// The call it answers.
    pub call_id: CallId,
    /// The result.
    pub text: String,
}

/// A call that a run ended with, for its caller to run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerCall {
    /// The id that the result has to name.
    pub id: CallId,
    /// The tool.
    pub name: ToolName,
    /// The arguments as the model wrote them: JSON, unless it wrote something else.
    pub arguments: String,
}
