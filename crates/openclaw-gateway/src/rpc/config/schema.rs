use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::ConfigSchemaResult;

use crate::GatewayState;

pub(in crate::rpc) async fn run(state: &GatewayState) -> Result<ConfigSchemaResult, OpenClawError> {
    Ok(ConfigSchemaResult { schema: state.config.source()?.schema() })
}
