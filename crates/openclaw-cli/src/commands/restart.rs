use std::time::Duration;

use openclaw_protocol::methods::{
    GatewayRestart, GatewayStatus, GatewayStatusGet, GatewayStatusParams, NoParams,
};
use tokio::time::{Instant, sleep};

use crate::context::Context;
use crate::exit::{Failure, status};
use crate::reach::Reach;

/// Longer than an orderly end and a start take together.
const LIMIT: Duration = Duration::from_secs(40);
const TRY_AGAIN: Duration = Duration::from_millis(100);

/// Makes the running gateway end as `stop` does and start again in its place, and waits until it has.
/// Whatever started it, a terminal, a container or systemd, keeps its process.
pub(super) async fn restart(context: &Context) -> Result<(), Failure> {
    let reach = Reach::find(context)?;
    let client = reach.client().await?;
    let before = client.call::<GatewayStatusGet>(&GatewayStatusParams::default()).await?;
    client.call::<GatewayRestart>(&NoParams {}).await?;
    client.close().await;
    let give_up = Instant::now() + LIMIT;
    loop {
        // What starts again here may show another certificate.
        let now = if reach.is_here() { Reach::find(context)? } else { reach.clone() };
        match status_of(&now).await {
            Ok(after) if after.started_at != before.started_at => {
                return context
                    .output
                    .result(&after, || format!("the gateway runs again as process {}", after.pid));
            }
            Ok(_) | Err(_) if Instant::now() < give_up => sleep(TRY_AGAIN).await,
            Ok(_) => {
                let text = format!("process {} is still stopping", before.pid);
                return Err(Failure::new(status::TIMED_OUT, "timeout", text));
            }
            Err(failure) => return Err(failure),
        }
    }
}

async fn status_of(reach: &Reach) -> Result<GatewayStatus, Failure> {
    let client = reach.client().await?;
    Ok(client.call::<GatewayStatusGet>(&GatewayStatusParams::default()).await?)
}
