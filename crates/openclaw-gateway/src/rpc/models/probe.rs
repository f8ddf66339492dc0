use std::time::Duration;

use openclaw_agents::model::{Candidate, KeyProbe, Models, candidates, resolve};
use openclaw_config::Config;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::{ModelsProbeParams, ModelsProbeResult, ProbeEntry};

use super::status::agent_of;
use crate::GatewayState;

/// The time limit of a request, unless the caller says another.
const USUAL_LIMIT_MS: u64 = 15_000;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: ModelsProbeParams,
) -> Result<ModelsProbeResult, OpenClawError> {
    probe(&state.config.current(), &state.models, &params).await
}

/// Asks the models for a word, one after the other.
///
/// # Errors
/// `InvalidParams`, or `Unavailable` where no model is configured.
pub async fn probe(
    config: &Config,
    models: &Models,
    params: &ModelsProbeParams,
) -> Result<ModelsProbeResult, OpenClawError> {
    let limit = params.timeout_ms.unwrap_or(USUAL_LIMIT_MS);
    if !(100..=60_000).contains(&limit) {
        return Err(OpenClawError::invalid_params("timeout_ms", "must be from 100 to 60,000"));
    }
    let agent = agent_of(config, params.agent_id.as_ref())?;
    let found = match &params.model {
        Some(named) => vec![
            resolve(config, named)
                .map_err(|missing| OpenClawError::invalid_params("model", missing.to_string()))?,
        ],
        None => candidates(config, None, None, &agent.id).map_err(|missing| {
            OpenClawError::new(ErrorKind::Unavailable, missing.to_string())
                .with_hint(missing.stored().hint.unwrap_or_default())
        })?,
    };
    let mut probes = Vec::new();
    for candidate in &found {
        match models.probe(candidate, Duration::from_millis(limit)).await {
            Ok(keys) => probes.extend(keys.into_iter().map(|key| entry(candidate, key))),
            Err(error) => probes.push(ProbeEntry {
                model: candidate.name(),
                credential: candidate.provider.name.clone(),
                latency_ms: None,
                class: Some(error.class.as_str().to_owned()),
                message: Some(error.message),
            }),
        }
    }
    Ok(ModelsProbeResult { probes })
}

fn entry(candidate: &Candidate, probe: KeyProbe) -> ProbeEntry {
    let (latency, error) = match probe.answer {
        Ok(latency) => (Some(latency), None),
        Err(error) => (None, Some(error)),
    };
    ProbeEntry {
        model: candidate.name(),
        credential: probe.credential.to_string(),
        latency_ms: latency.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX)),
        class: error.as_ref().map(|error| error.class.as_str().to_owned()),
        message: error.map(|error| error.message),
    }
}
