use std::time::Duration;

use clap::Args;
use serde_json::Value;

use super::client;
use crate::context::Context;
use crate::exit::Failure;
use crate::reach::Reach;

/// Longer than the longest time limit of a run.
const LIMIT: Duration = Duration::from_secs(24 * 3_600);

#[derive(Debug, Args)]
pub(crate) struct RpcArguments {
    /// The method, such as `session.list`.
    #[arg(required_unless_present_any = ["describe", "describe_http"], value_parser = methods())]
    method: Option<String>,
    /// Its params, a JSON object.
    #[arg(default_value = "{}")]
    params: String,
    /// Print the OpenRPC document instead; needs no gateway.
    #[arg(long)]
    describe: bool,
    /// Print the OpenAPI document of the HTTP paths instead; needs no gateway.
    #[arg(long, conflicts_with = "describe")]
    describe_http: bool,
}

/// Known names complete; others are sent as they are.
fn methods() -> impl clap::builder::TypedValueParser<Value = String> {
    use clap::builder::TypedValueParser as _;
    let names = openclaw_protocol::registry::METHODS.iter().map(|method| method.name);
    clap::builder::PossibleValuesParser::new(names).map(|name| name)
}

pub(crate) fn run(context: &Context, arguments: RpcArguments) -> Result<(), Failure> {
    if arguments.describe || arguments.describe_http {
        let document = match arguments.describe {
            true => openclaw_protocol::openrpc::document(),
            false => openclaw_protocol::openapi::document(),
        };
        return context.output.line(
            &serde_json::to_string_pretty(&document)
                .map_err(|error| Failure::failed(error.to_string()))?,
        );
    }
    let Some(method) = arguments.method else { return Err(Failure::usage("name a method")) };
    let params: Value = serde_json::from_str(&arguments.params)
        .map_err(|error| Failure::usage(format!("the params are no JSON: {error}")))?;
    client(context, async {
        let gateway = Reach::find(context)?.client().await?;
        let result = gateway.call_raw(&method, &params, LIMIT).await?;
        let value: Value = serde_json::from_str(result.get())
            .map_err(|error| Failure::failed(error.to_string()))?;
        let text = serde_json::to_string_pretty(&value)
            .map_err(|error| Failure::failed(error.to_string()))?;
        context.output.line(&text)
    })
}
