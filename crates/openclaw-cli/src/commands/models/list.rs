use clap::Args;
use openclaw_agents::usd;
use openclaw_gateway::rpc::list_models;
use openclaw_protocol::methods::{ModelEntry, ModelsList, ModelsListParams};

use super::Place;
use crate::context::Context;
use crate::exit::Failure;
use crate::output::table;

#[derive(Debug, Args)]
pub(crate) struct ListArguments {
    /// Also those that the configuration does not name.
    #[arg(long)]
    all: bool,
    /// Only those of this provider.
    #[arg(long)]
    provider: Option<String>,
}

pub(super) async fn run(
    context: &Context,
    place: &Place,
    arguments: ListArguments,
) -> Result<(), Failure> {
    let params = ModelsListParams { provider: arguments.provider, all: arguments.all };
    let listed = match place {
        Place::Gateway(client) => client.call::<ModelsList>(&params).await?,
        Place::Here(loaded) => list_models(&loaded.config, &params)?,
    };
    context.output.result(&listed, || human(&listed.models))
}

fn human(models: &[ModelEntry]) -> String {
    if models.is_empty() {
        return "no model is configured; set OPENAI_API_KEY or another provider's key, or add [models.providers.<name>]\n".to_owned();
    }
    let rows: Vec<Vec<String>> = models
        .iter()
        .map(|model| {
            let mut can = vec!["text"];
            can.extend(model.images.then_some("images"));
            can.extend(model.thinks.then_some("thinks"));
            let price = model.prices.map_or_else(
                || "unknown".to_owned(),
                |prices| format!("{} / {}", usd(prices.input), usd(prices.output)),
            );
            vec![
                model.name.clone(),
                model.aliases.join(", "),
                thousands(model.context_window),
                can.join(", "),
                price,
            ]
        })
        .collect();
    table(&["MODEL", "ALIASES", "WINDOW", "CAN", "PRICE PER MILLION, IN / OUT"], &rows)
}

fn thousands(tokens: u64) -> String {
    if tokens < 10_000 { tokens.to_string() } else { format!("{}k", tokens / 1_000) }
}
