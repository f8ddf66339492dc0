use std::sync::Arc;
use std::time::Duration;

use clap::Args;
use openclaw_agents::model::{ModelHttp, Models, RetryPolicy};
use openclaw_core::SystemRng;
use openclaw_gateway::rpc::probe_models;
use openclaw_protocol::methods::{ModelsProbe, ModelsProbeParams, ProbeEntry};
use tokio_util::task::TaskTracker;

use super::Place;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::{one_line, table};

#[derive(Debug, Args)]
pub(crate) struct ProbeArguments {
    /// provider/model or an alias; without it the agent's model and its fallbacks.
    model: Option<String>,
    /// The time limit of each request, in milliseconds.
    #[arg(long, default_value_t = 15_000, value_parser = clap::value_parser!(u64).range(100..=60_000))]
    timeout_ms: u64,
}

/// How long all requests together may take.
const LONGEST: Duration = Duration::from_secs(600);

pub(super) async fn run(
    context: &Context,
    place: &Place,
    arguments: ProbeArguments,
) -> Result<(), Failure> {
    let params = ModelsProbeParams {
        model: arguments.model,
        agent_id: None,
        timeout_ms: Some(arguments.timeout_ms),
    };
    let result = match place {
        Place::Gateway(client) => client.call_within::<ModelsProbe>(&params, LONGEST).await?,
        Place::Here(loaded) => {
            let tasks = TaskTracker::new();
            let http = ModelHttp::new(tasks.clone());
            let models = Models::new(http, Arc::new(SystemRng), RetryPolicy::default());
            let probed = probe_models(&loaded.config, &models, &params).await;
            tasks.close();
            tasks.wait().await;
            probed?
        }
    };
    context.output.result(&result, || human(&result.probes))?;
    let failed = result.probes.iter().filter(|probe| probe.latency_ms.is_none()).count();
    match failed {
        0 => Ok(()),
        _ => Err(Failure::failed(format!("{failed} of {} did not answer", result.probes.len()))),
    }
}

fn human(probes: &[ProbeEntry]) -> String {
    let rows: Vec<Vec<String>> = probes
        .iter()
        .map(|probe| {
            let (outcome, message) = match (probe.latency_ms, &probe.class) {
                (Some(time), _) => (format!("{time} ms"), String::new()),
                (None, class) => (
                    class.clone().unwrap_or_default(),
                    probe.message.as_deref().map(|text| one_line(text, 100)).unwrap_or_default(),
                ),
            };
            vec![probe.model.clone(), probe.credential.clone(), outcome, message]
        })
        .collect();
    table(&["MODEL", "KEY", "ANSWER", ""], &rows)
}
