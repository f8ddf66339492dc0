use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::Metrics;

const EVERY: Duration = Duration::from_millis(250);
/// A delay that somebody should know of.
const LONG: Duration = Duration::from_secs(1);
/// Warnings are this far apart at least.
const QUIET: Duration = Duration::from_secs(60);

/// Measures how late the runtime wakes a task that is due. Everything that a client or channel waits
/// for is at least that late.
pub(crate) async fn watch(metrics: Arc<Metrics>, ends: CancellationToken) {
    let mut warned: Option<Instant> = None;
    loop {
        let due = Instant::now() + EVERY;
        tokio::select! {
            biased;
            () = ends.cancelled() => return,
            () = tokio::time::sleep_until(due) => {}
        }
        let late = Instant::now().saturating_duration_since(due);
        metrics.delayed(late);
        if late >= LONG && warned.is_none_or(|at| at.elapsed() >= QUIET) {
            warned = Some(Instant::now());
            let millis = u64::try_from(late.as_millis()).unwrap_or(u64::MAX);
            tracing::warn!(
                delay_ms = millis,
                "the gateway was held up for {millis} ms: the machine is overloaded, or something blocks a thread"
            );
        }
    }
}
