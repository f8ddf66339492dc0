use std::time::Duration;

use async_trait::async_trait;
use openclaw_core::{AgentId, RunId, SessionKey, Timestamp};
use serde::{Deserialize, Serialize};

use crate::commands::{CommandPlan, Shape};

/// A command that waits for somebody's word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApprovalRequest {
    /// Eight characters, unique among those that wait.
    pub id: String,
    /// The agent.
    pub agent_id: AgentId,
    /// The session.
    pub session_key: SessionKey,
    /// The run, when an agent asks.
    pub run_id: Option<RunId>,
    /// Exactly what will run.
    pub plan: CommandPlan,
    /// SHA-256 of the plan: what is approved.
    pub digest: String,
    /// Why it asks.
    pub reason: String,
    /// When it was asked.
    pub created_at: Timestamp,
    /// When it counts as denied.
    pub expires_at: Timestamp,
}

/// What somebody says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// This one time.
    AllowOnce,
    /// This command, whenever it is asked for in the same words, reaching no further.
    AllowAlways,
    /// No.
    Deny,
}

/// What somebody else is to run, such as a client on its own machine.
#[derive(Debug, Clone)]
pub struct Foreign {
    /// The request's id, where the asker chose one.
    pub id: Option<String>,
    /// The agent in whose name it is asked.
    pub agent_id: AgentId,
    /// The session whose clients are told.
    pub session_key: SessionKey,
    /// What will run.
    pub plan: CommandPlan,
    /// Why it asks.
    pub reason: String,
    /// How long it waits.
    pub time_limit: Duration,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolution {
    /// Somebody answered.
    Answered {
        /// What.
        verdict: Verdict,
        /// Who, for the record.
        by: String,
    },
    /// Nobody answered in time.
    Expired,
    /// The call that asked was cancelled.
    Withdrawn,
}

/// A command that is allowed always.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Allowed {
    /// The agent.
    pub agent_id: AgentId,
    /// What is allowed.
    pub shape: Shape,
    /// Who allowed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Where requests and what is allowed always are kept, and who is told.
#[async_trait]
pub trait ApprovalLog: Send + Sync + std::fmt::Debug {
    /// Stores that a request waits and tells clients. What is not stored is not asked.
    ///
    /// # Errors
    /// What kept it from being stored.
    async fn requested(&self, request: &ApprovalRequest) -> Result<(), String>;

    /// Stores how a request ended and tells clients.
    async fn resolved(&self, request: &ApprovalRequest, resolution: &Resolution);

    /// What is allowed always, by its key.
    ///
    /// # Errors
    /// What kept it from being read.
    async fn allowed(&self, agent: &AgentId, key: &str) -> Result<Option<Allowed>, String>;

    /// All that is allowed always, each with its key.
    ///
    /// # Errors
    /// What kept it from being read.
    async fn all_allowed(&self) -> Result<Vec<(String, Allowed)>, String>;

    /// Allows always.
    ///
    /// # Errors
    /// What kept it from being stored.
    async fn allow(&self, key: &str, allowed: &Allowed) -> Result<(), String>;

    /// Takes that back; whether it was there.
    ///
    /// # Errors
    /// What kept it from being stored.
    async fn forget(&self, agent: &AgentId, key: &str) -> Result<bool, String>;
}
