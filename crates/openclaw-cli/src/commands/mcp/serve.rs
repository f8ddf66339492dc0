use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use clap::Args;
use openclaw_client::{Client, ClientError};
use openclaw_gateway::mcp::{Asked, Rpc, RpcError, gateway_offerings, serve_stdio};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::context::Context;
use crate::exit::Failure;
use crate::reach::Reach;

/// Longer than the longest run.
const LIMIT: Duration = Duration::from_secs(24 * 3_600);

#[derive(Debug, Args)]
pub(crate) struct ServeArguments {}

pub(super) async fn run(context: &Context, _: ServeArguments) -> Result<(), Failure> {
    let reach = Reach::find(context)?;
    // Whoever starts this sees at once that there is no gateway.
    let client = reach.client().await?;
    let gateway = Remote { reach, client: Mutex::new(Some(client)) };
    let offerings = gateway_offerings(Arc::new(gateway), env!("CARGO_PKG_VERSION"));
    let (input, output) = (tokio::io::stdin(), tokio::io::stdout());
    serve_stdio(offerings, input, output, CancellationToken::new())
        .await
        .map_err(|error| Failure::failed(format!("the MCP client could not be served: {error}")))
}

/// The gateway that runs, connected to again where the connection was lost.
struct Remote {
    reach: Reach,
    client: Mutex<Option<Client>>,
}

impl Remote {
    async fn client(&self) -> Result<Client, RpcError> {
        let mut client = self.client.lock().await;
        if let Some(client) = client.as_ref() {
            return Ok(client.clone());
        }
        let connected = self.reach.client().await;
        let connected = connected.map_err(|failure| unavailable(failure.message))?;
        *client = Some(connected.clone());
        Ok(connected)
    }
}

#[async_trait]
impl Rpc for Remote {
    async fn call(&self, method: &str, params: Value, _: &Asked) -> Result<Value, RpcError> {
        let client = self.client().await?;
        match client.call_raw(method, &params, LIMIT).await {
            Ok(result) => serde_json::from_str(result.get())
                .map_err(|error| unavailable(format!("the answer cannot be read: {error}"))),
            Err(ClientError::Rpc(error)) => Err(error.into()),
            Err(error) => {
                if matches!(error, ClientError::Lost) {
                    *self.client.lock().await = None;
                }
                Err(unavailable(error.to_string()))
            }
        }
    }
}

fn unavailable(message: String) -> RpcError {
    RpcError { code: -32008, message }
}
