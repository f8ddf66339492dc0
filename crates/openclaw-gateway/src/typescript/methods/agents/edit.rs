use openclaw_core::AgentId;
use openclaw_protocol::typescript::WireError;
use openclaw_protocol::typescript::params::{
    AgentsCreateParams, AgentsDeleteParams, AgentsUpdateParams,
};
use serde_json::{Map, Value, json};

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
    let mut agents = listed(call)?;
    agents.push(json!({ "id": id, "workspace": workspace }));
    write(call, agents).await?;
    Ok(json!({ "ok": true, "agentId": id, "name": params.name.trim(), "workspace": workspace }))
}

pub(in super::super) async fn update(call: Call<'_>) -> Result<Value, WireError> {
    let params: AgentsUpdateParams = call.params()?;
    refuse(&[("name", params.name.is_some()), ("avatar", params.avatar.is_some())])?;
    let id = keys::agent(call.state, &params.agent_id)
        .map_err(|_| WireError::invalid(format!("agent \"{}\" not found", params.agent_id)))?;
    let mut agents = listed(call)?;
    let known = agents.iter().position(|agent| agent["id"] == id.as_str());
    let position = known.unwrap_or_else(|| {
        // `main` exists without being listed.
        agents.push(json!({ "id": id }));
        agents.len() - 1
    });
    for (key, value) in [("workspace", params.workspace), ("model", params.model)] {
        if let Some(value) = value {
            agents[position][key] = json!(value);
        }
    }
    write(call, agents).await?;
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
    let mut agents = listed(call)?;
    let before = agents.len();
    agents.retain(|agent| agent["id"] != id.as_str());
    if agents.len() == before {
        return Err(WireError::invalid(format!("agent \"{id}\" not found")));
    }
    write(call, agents).await?;
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
        Ok(Value::Array(agents)) => {
            Ok(agents.into_iter().filter(|agent| agent.is_object()).map(without_nulls).collect())
        }
        Ok(_) => Ok(Vec::new()),
        Err(error) if error.kind() == openclaw_errors::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(
            map.into_iter()
                .filter(|(_, value)| !value.is_null())
                .map(|(key, value)| (key, without_nulls(value)))
                .collect::<Map<_, _>>(),
        ),
        other => other,
    }
}

async fn write(call: Call<'_>, agents: Vec<Value>) -> Result<(), WireError> {
    let value = if agents.is_empty() { None } else { Some(Value::Array(agents)) };
    super::super::config::change(call, vec![(LIST.to_owned(), value)]).await.map(|_| ())
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
