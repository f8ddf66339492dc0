use serde::Deserialize;

/// The params of `agents.create`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentsCreateParams {
    /// Its name, which its id follows from.
    pub name: String,
    /// The folder it works in.
    pub workspace: String,
    /// A sign.
    pub emoji: Option<String>,
    /// A picture.
    pub avatar: Option<String>,
}

/// The params of `agents.update`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentsUpdateParams {
    /// The agent.
    pub agent_id: String,
    /// Another name.
    pub name: Option<String>,
    /// Another folder.
    pub workspace: Option<String>,
    /// Another model.
    pub model: Option<String>,
    /// A picture.
    pub avatar: Option<String>,
}

/// The params of `agents.delete`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentsDeleteParams {
    /// The agent.
    pub agent_id: String,
    /// Whether its folder goes too.
    pub delete_files: Option<bool>,
}

/// The params of `agents.files.list`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentsFilesListParams {
    /// The agent.
    pub agent_id: String,
}

/// The params of `agents.files.get`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentsFilesGetParams {
    /// The agent.
    pub agent_id: String,
    /// The file.
    pub name: String,
}

/// The params of `agents.files.set`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentsFilesSetParams {
    /// The agent.
    pub agent_id: String,
    /// The file.
    pub name: String,
    /// What it is to hold.
    pub content: String,
}

/// The params of `agent.identity.get`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AgentIdentityParams {
    /// The agent.
    pub agent_id: Option<String>,
    /// A session of it.
    pub session_key: Option<String>,
}
