use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{LogsTailParams, LogsTailResult};

use crate::GatewayState;
use crate::observe::{LogTail, tail};

const MOST_LINES: u64 = 5_000;
const MOST_BYTES: u64 = 1_000_000;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: LogsTailParams,
) -> Result<LogsTailResult, OpenClawError> {
    let limit = params.limit.unwrap_or(500);
    if !(1..=MOST_LINES).contains(&limit) {
        return Err(OpenClawError::invalid_params("limit", "not in 1 to 5,000"));
    }
    let bytes = params.max_bytes.unwrap_or(250_000);
    if !(1..=MOST_BYTES).contains(&bytes) {
        return Err(OpenClawError::invalid_params("max_bytes", "not in 1 to 1,000,000"));
    }
    let Some(file) = state.log_file.as_ref() else {
        return Err(OpenClawError::unavailable("this gateway writes no log file")
            .with_hint("set logging.file"));
    };
    let most_lines = usize::try_from(limit).unwrap_or(usize::MAX);
    let LogTail { cursor, size, lines, truncated, reset } =
        tail(file, params.cursor, most_lines, bytes).await?;
    let file = file.display().to_string();
    Ok(LogsTailResult { file, cursor, size, lines, truncated, reset })
}
