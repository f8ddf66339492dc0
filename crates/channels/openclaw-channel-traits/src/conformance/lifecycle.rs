//! A channel starts, ends and starts again, and shows no secret.

use std::sync::Arc;

use super::doubles::ScriptedIngress;
use super::running::{Running, assert_no_secret};
use super::{Credential, Failure, ServiceDriver};
use crate::{ChannelError, ChannelState};

/// Cancelling ends the run with `Ok` within 2 s, and no task is left.
pub async fn cancelling_ends_the_run_and_its_tasks(driver: &dyn ServiceDriver) {
    Running::connected(driver, []).await.cancel().await;
    // Also when it was cancelled before it could connect.
    let channel = driver.channel(Credential::Valid);
    Running::start(driver, channel, Arc::new(ScriptedIngress::new([]))).cancel().await;
}

/// The same channel can be run again with a fresh context.
pub async fn a_channel_runs_again_after_it_ended(driver: &dyn ServiceDriver) {
    let channel = driver.channel(Credential::Valid);
    for _ in 0..2 {
        Running::connected_with(driver, Arc::clone(&channel), []).await.cancel().await;
    }
}

/// A refused credential ends the run for good, with a message that does not hold it.
pub async fn a_refused_credential_ends_the_run(driver: &dyn ServiceDriver) {
    if !driver.can_fail(&Failure::CredentialRefused) {
        return;
    }
    let channel = driver.channel(Credential::Refused);
    let running = Running::start(driver, channel, Arc::new(ScriptedIngress::new([])));
    let status = Arc::clone(&running.status);
    let result = running.ended().await;
    assert!(matches!(result, Err(ChannelError::Auth(_))), "expected Auth: {result:?}");
    let error = result.err().map(|error| format!("{error} {error:?}")).unwrap_or_default();
    assert_no_secret(driver, "the run's error", &error);
    for report in status.reports() {
        assert_ne!(report.state, ChannelState::Connected, "it was never connected");
        assert_no_secret(driver, "a status report", &format!("{report:?}"));
    }
}

/// `Debug` of the channel and its reports shows no secret.
pub async fn secrets_are_not_in_debug_output(driver: &dyn ServiceDriver) {
    let running = Running::connected(driver, []).await;
    assert_no_secret(driver, "Debug of the channel", &format!("{:?}", running.channel));
    assert_no_secret(driver, "Debug of the channel", &format!("{:#?}", running.channel));
    for report in running.status.reports() {
        assert_no_secret(driver, "a status report", &format!("{report:?}"));
    }
    running.cancel().await;
}

/// Claims that cannot both hold, and limits that cannot be.
pub async fn the_descriptor_is_consistent(driver: &dyn ServiceDriver) {
    let channel = driver.channel(Credential::Valid);
    let descriptor = channel.descriptor();
    assert!(!descriptor.name.is_empty());
    assert!(descriptor.text_limit > 0, "a channel can send text");
    assert!(descriptor.caption_limit <= descriptor.text_limit);
    assert!(!descriptor.streams_by_edit || descriptor.edits, "streaming by edit needs edits");
    let paused = descriptor.edit_interval_ms > 0;
    assert!(!descriptor.streams_by_edit || paused, "edits of one message need a pause");
}
