use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{ConfigGetParams, ConfigGetResult};

use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: ConfigGetParams,
) -> Result<ConfigGetResult, OpenClawError> {
    let value = state.config.source()?.get(params.key.as_deref())?;
    let file = state.config.current().file.as_ref().map(|file| file.display().to_string());
    Ok(ConfigGetResult { key: params.key, value, file })
}
