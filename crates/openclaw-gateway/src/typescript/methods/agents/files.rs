use std::path::PathBuf;

use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::{
    AgentsFilesGetParams, AgentsFilesListParams, AgentsFilesSetParams,
};
use openclaw_tools::{OpenError, Workspace};
use serde_json::{Value, json};

use super::super::super::keys;
use super::Call;

/// The files of a workspace that belong to the agent itself.
const NAMES: [&str; 8] = [
    "AGENTS.md",
    "SOUL.md",
    "TOOLS.md",
    "IDENTITY.md",
    "USER.md",
    "HEARTBEAT.md",
    "BOOTSTRAP.md",
    "MEMORY.md",
];
/// The longest file that is read or written.
const LONGEST: u64 = 1 << 20;

/// Why a file cannot be read or written.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error("the file cannot be read")]
    Read(#[from] std::io::Error),
    #[error("the file is longer than {LONGEST} bytes")]
    TooLong,
}

pub(in super::super) async fn list(call: Call<'_>) -> Result<Value, WireError> {
    let params: AgentsFilesListParams = call.params()?;
    let (agent, root) = workspace(call, &params.agent_id)?;
    let folder = root.clone();
    let files = blocking(move || {
        let workspace = Workspace::open(&folder)?;
        NAMES.iter().map(|name| describe(&workspace, &folder, name)).collect::<Result<Vec<_>, _>>()
    })
    .await?;
    Ok(json!({ "agentId": agent, "workspace": root, "files": files }))
}

pub(in super::super) async fn get(call: Call<'_>) -> Result<Value, WireError> {
    let params: AgentsFilesGetParams = call.params()?;
    let (agent, root) = workspace(call, &params.agent_id)?;
    let name = known(&params.name)?;
    let folder = root.clone();
    let file = blocking(move || {
        let workspace = Workspace::open(&folder)?;
        let mut told = describe(&workspace, &folder, name)?;
        if told["missing"] == false {
            told["content"] = json!(read(&workspace, name)?);
        }
        Ok(told)
    })
    .await?;
    Ok(json!({ "agentId": agent, "workspace": root, "file": file }))
}

pub(in super::super) async fn set(call: Call<'_>) -> Result<Value, WireError> {
    let params: AgentsFilesSetParams = call.params()?;
    let (agent, root) = workspace(call, &params.agent_id)?;
    let name = known(&params.name)?;
    if params.content.len() as u64 > LONGEST {
        return Err(WireError::invalid(FileError::TooLong.to_string()));
    }
    let folder = root.clone();
    let file = blocking(move || {
        let workspace = Workspace::open(&folder)?;
        workspace.replace(name, params.content.as_bytes())?;
        let mut told = describe(&workspace, &folder, name)?;
        told["content"] = json!(params.content);
        Ok(told)
    })
    .await?;
    Ok(json!({ "ok": true, "agentId": agent, "workspace": root, "file": file }))
}

fn workspace(call: Call<'_>, agent: &str) -> Result<(String, PathBuf), WireError> {
    let id = keys::agent(call.state, agent)?;
    let config = call.state.config.current();
    let found = config.agent(&id).ok_or_else(|| WireError::invalid("unknown agent id"))?;
    Ok((id.to_string(), found.workspace.clone()))
}

fn known(name: &str) -> Result<&'static str, WireError> {
    let found = NAMES.into_iter().find(|known| *known == name.trim());
    found.ok_or_else(|| {
        let shown: String = name.chars().take(80).collect();
        WireError::invalid(format!("unsupported file \"{shown}\""))
    })
}

fn describe(workspace: &Workspace, root: &std::path::Path, name: &str) -> Result<Value, FileError> {
    let path = root.join(name);
    match workspace.read(name) {
        Ok(opened) => {
            let modified = opened.file.metadata()?.modified()?;
            let at = modified.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            Ok(json!({
                "name": name,
                "path": path,
                "missing": false,
                "size": opened.size,
                "updatedAtMs": u64::try_from(at.as_millis()).unwrap_or(u64::MAX),
            }))
        }
        Err(OpenError::NotFound { .. }) => {
            Ok(json!({ "name": name, "path": path, "missing": true }))
        }
        Err(error) => Err(error.into()),
    }
}

fn read(workspace: &Workspace, name: &str) -> Result<String, FileError> {
    use std::io::Read as _;
    let opened = workspace.read(name)?;
    if opened.size > LONGEST {
        return Err(FileError::TooLong);
    }
    let mut bytes = Vec::new();
    opened.file.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FileError> + Send + 'static,
) -> Result<T, WireError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(outcome) => {
            outcome.map_err(|error| WireError::unavailable(openclaw_errors::display_chain(&error)))
        }
        Err(error) => {
            tracing::error!(%error, "work on a workspace failed from within");
            Err(WireError::unavailable("the workspace cannot be worked on"))
        }
    }
}
