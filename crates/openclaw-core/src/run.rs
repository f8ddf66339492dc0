use serde::{Deserialize, Serialize};

/// Where a run of the agent stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunStatus {
    /// Stored, waiting for its turn.
    Accepted,
    /// At work.
    Running,
    /// Answered.
    Done,
    /// Taken into another run.
    Merged,
    /// Ended without an answer.
    Error,
    /// Stopped on request; partial text is kept.
    Stopped,
    /// Ended by its time limit; partial text is kept.
    Timeout,
}

impl RunStatus {
    /// Whether the run has ended.
    pub fn is_final(self) -> bool {
        match self {
            Self::Accepted | Self::Running => false,
            Self::Done | Self::Merged | Self::Error | Self::Stopped | Self::Timeout => true,
        }
    }

    /// The word on the wire and in tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Running => "running",
            Self::Done => "done",
            Self::Merged => "merged",
            Self::Error => "error",
            Self::Stopped => "stopped",
            Self::Timeout => "timeout",
        }
    }
}

/// Why the model stopped, or what stopped the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StopReason {
    /// The model finished its answer.
    EndTurn,
    /// The answer reached the output limit.
    MaxTokens,
    /// The model called tools that only the run's caller can run.
    ToolCalls,
    /// The run reached its limit of tool rounds.
    ToolLimit,
    /// What the agent may use is used.
    SpendLimit,
    /// The same call with the same result was repeated too often.
    ToolLoop,
    /// Somebody stopped it.
    Stopped,
    /// A time limit ran out.
    Timeout,
}

/// Tokens used, as the provider counted them; `input_tokens` includes cached ones.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Usage {
    /// Tokens read.
    #[serde(default)]
    pub input_tokens: u64,
    /// Tokens written.
    #[serde(default)]
    pub output_tokens: u64,
    /// Of the input, those read from the provider's cache.
    #[serde(default)]
    pub cache_read_tokens: u64,
    /// Of the input, those written to the provider's cache.
    #[serde(default)]
    pub cache_write_tokens: u64,
    /// Calls made to models.
    #[serde(default)]
    pub model_calls: u64,
    /// What it cost in millionths of a US dollar, as far as prices are known.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cost_micro_usd: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is serde's")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}

impl Usage {
    /// Tokens in and out together.
    pub fn tokens(&self) -> u64 {
        self.input_tokens.saturating_add(self.output_tokens)
    }
}

impl std::ops::AddAssign for Usage {
    fn add_assign(&mut self, other: Self) {
        self.input_tokens += other.input_tokens;
        self.output_tokens += other.output_tokens;
        self.cache_read_tokens += other.cache_read_tokens;
        self.cache_write_tokens += other.cache_write_tokens;
        self.model_calls += other.model_calls;
        self.cost_micro_usd += other.cost_micro_usd;
    }
}
