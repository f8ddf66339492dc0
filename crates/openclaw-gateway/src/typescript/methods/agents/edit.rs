use openclaw_core::AgentId;
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::{
    AgentsCreateParams, AgentsDeleteParams, AgentsUpdateParams,
};
use serde_json::{Value, json};

use super::super::super::keys;
use super::Call;

const LIST: &str = "agents.list";

pub(in super::super) async fn create(call: Call<'_>) -> Result<Value, WireError> {
    let params: AgentsCreateParams = call.params()?;
    refuse(&[("emoji", params.emoji.is_some()), ("avatar", params.avatar.is_some())])?;
    let id = id_of(&params.name)?;
    if id == AgentId::main() {
        return Err(WireError::invalid("\"main\" is reserved"));
    }
    if call.state.config.current().agent(&id).is_some() {
        return Err(WireError::invalid(format!("agent \"{id}\" already exists")));
    }
    let workspace = params.workspace.trim().to_owned();
    if workspace.is_empty() {
        return Err(WireError::invalid("workspace required"));
    }
    let next = listed(call)?.len();
    let changes = vec![
        (field(next, "id"), Some(json!(id))),
        (field(next, "workspace"), Some(json!(workspace))),
    ];
    change(call, changes).await?;
    Ok(json!({ "ok": true, "agentId": id, "name": params.name.trim(), "workspace": workspace }))
}

pub(in super::super) async fn update(call: Call<'_>) -> Result<Value, WireError> {
    let params: AgentsUpdateParams = call.params()?;
    refuse(&[("name", params.name.is_some()), ("avatar", params.avatar.is_some())])?;
    let id = keys::agent(call.state, &params.agent_id)
        .map_err(|_| WireError::invalid(format!("agent \"{}\" not found", params.agent_id)))?;
    let given = [("workspace", params.workspace), ("model", params.model)];
    let given: Vec<_> =
        given.into_iter().filter_map(|(name, value)| Some((name, json!(value?)))).collect();
    if given.is_empty() {
        return Ok(json!({ "ok": true, "agentId": id }));
    }
    let agents = listed(call)?;
    let known = agents.iter().position(|agent| agent["id"] == id.as_str());
    let position = known.unwrap_or(agents.len());
    let mut changes = Vec::new();
    if known.is_none() {
        // `main` exists without being listed.
        changes.push((field(position, "id"), Some(json!(id))));
    }
    changes.extend(given.into_iter().map(|(name, value)| (field(position, name), Some(value))));
    change(call, changes).await?;
    Ok(json!({ "ok": true, "agentId": id }))
}

pub(in super::super) async fn delete(call: Call<'_>) -> Result<Value, WireError> {
    let params: AgentsDeleteParams = call.params()?;
    if params.delete_files == Some(true) {
        return Err(WireError::unavailable(
            "deleteFiles cannot be true here: the workspace stays, remove it yourself",
        ));
    }
    let id = id_of(&params.agent_id)?;
    if id == AgentId::main() {
        return Err(WireError::invalid("\"main\" cannot be deleted"));
    }
    let position = listed(call)?
        .iter()
        .position(|agent| agent["id"] == id.as_str())
        .ok_or_else(|| WireError::invalid(format!("agent \"{id}\" not found")))?;
    change(call, vec![(format!("{LIST}[{position}]"), None)]).await?;
    if call.state.config.current().agent(&id).is_some() {
        return Err(WireError::unavailable(format!(
            "agent \"{id}\" stands in another file than the one that is edited; remove it there"
        )));
    }
    Ok(json!({ "ok": true, "agentId": id, "removedBindings": 0 }))
}

fn refuse(given: &[(&str, bool)]) -> Result<(), WireError> {
    match given.iter().find(|(_, is_given)| *is_given) {
        Some((name, _)) => {
            Err(WireError::unavailable(format!("agents have no {name} of their own here")))
        }
        None => Ok(()),
    }
}

/// The id that follows from a name: lower case, with dashes for what an id cannot hold.
fn id_of(name: &str) -> Result<AgentId, WireError> {
    let lowered = name.trim().to_lowercase();
    let replaced: String = lowered
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '_' | '-') { c } else { '-' })
        .collect();
    AgentId::new(replaced.trim_matches('-'))
        .map_err(|error| WireError::invalid(format!("name is no name of an agent: {error}")))
}

/// The agents as the configuration lists them.
fn listed(call: Call<'_>) -> Result<Vec<Value>, WireError> {
    let source = call.state.config.source()?;
    match source.get(Some(LIST)) {
        Ok(Value::Array(agents)) => Ok(agents),
        Ok(_) => Ok(Vec::new()),
        Err(error) if error.kind() == openclaw_errors::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn field(index: usize, name: &str) -> String {
    format!("{LIST}[{index}].{name}")
}

/// Only what changes is written: what else an agent has in force may be a default, or come from
/// variables.
async fn change(call: Call<'_>, changes: Vec<(String, Option<Value>)>) -> Result<(), WireError> {
    super::super::config::change(call, changes).await.map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::id_of;

    #[test]
    fn ids_follow_from_names() {
        assert_eq!(id_of(" My Agent! ").expect("an id").as_str(), "my-agent");
        assert!(id_of("!!!").is_err());
    }
}
