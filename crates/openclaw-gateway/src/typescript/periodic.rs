use std::sync::Arc;
use std::time::Duration;

use openclaw_protocol::ScopeSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};
use tokio_util::sync::CancellationToken;

use super::hello::TICK_MS;
use super::methods::health;
use crate::GatewayState;

/// The time between two tellings of how things stand.
const HEALTH_EVERY: Duration = Duration::from_secs(60);

/// Gives signs of life, and tells how things stand: now and then, and when a channel changes.
pub(crate) async fn run(state: Arc<GatewayState>, closing: CancellationToken) {
    let every = |period| {
        let mut ticks = interval_at(Instant::now() + period, period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    };
    let mut ticks = every(Duration::from_millis(TICK_MS));
    let mut healths = every(HEALTH_EVERY);
    let mut channels = state.channels.watch_changes();
    loop {
        let tells_health = tokio::select! {
            biased;
            () = closing.cancelled() => {
                state.typescript.shutdown();
                return;
            }
            _ = ticks.tick() => false,
            _ = healths.tick() => true,
            changed = channels.changed() => {
                if changed.is_err() {
                    return;
                }
                channels.mark_unchanged();
                true
            }
        };
        if state.typescript.is_empty() {
            continue;
        }
        if !tells_health {
            state.typescript.tick();
            continue;
        }
        // One text for all who read: what only some may know is not in it.
        match health::snapshot(&state, ScopeSet::NONE).await {
            Ok(snapshot) => state.typescript.health(&snapshot),
            Err(error) => tracing::warn!(error = error.report(), "cannot tell how things stand"),
        }
    }
}
