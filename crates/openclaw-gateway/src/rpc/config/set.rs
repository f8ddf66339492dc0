use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{ConfigSetParams, ConfigSetResult};

use crate::GatewayState;
use crate::rpc::Caller;
use crate::rpc::gateway::reload::outcome;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: ConfigSetParams,
) -> Result<ConfigSetResult, OpenClawError> {
    let author = caller
        .principal()
        .map_or_else(|| "rpc".to_owned(), |principal| format!("rpc: {}", principal.name));
    let value = Some(&params.value).filter(|value| !value.is_null());
    let file = state.config.source()?.set(&params.key, value, &author).await.map_err(|error| {
        // A value that does not validate is the caller's mistake.
        match error.kind() {
            openclaw_errors::ErrorKind::Config => {
                OpenClawError::invalid_params("value", error.message().to_owned())
            }
            _ => error,
        }
    })?;
    let reload = outcome(state.config.reload().await?);
    Ok(ConfigSetResult { file: file.display().to_string(), reload })
}
