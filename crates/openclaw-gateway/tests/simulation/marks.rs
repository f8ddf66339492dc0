//! What becomes of a row whose mark took so long that nothing may be sent on it, and of an account
//! that its gateway serves no more.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use openclaw_channel_traits::{Accept, Ingress as _};
use openclaw_storage::memory::CommitHook;
use openclaw_storage::rows::OutboxState;
use openclaw_storage::{Batch, StorageError, Write};
use tokio::time::sleep;

use crate::life::{calm_on, calm_shared};
use crate::sabotage::is_mark;
use crate::service::{channel_id, inbound};
use crate::store::Port;

/// The answer of the first mark takes six seconds, and the first try to take it back fails.
#[derive(Debug, Default)]
struct SlowMark {
    port: OnceLock<Arc<Port>>,
    was_slow: AtomicBool,
    has_failed: AtomicBool,
}

impl CommitHook for SlowMark {
    fn before_commit(&self, batch: &Batch) -> Result<(), StorageError> {
        let takes_back = batch.writes.iter().any(|write| {
            matches!(write, Write::ChangeOutbox(change)
                if change.to == OutboxState::Pending && change.from == [OutboxState::Sending])
        });
        if takes_back && !self.has_failed.swap(true, Ordering::SeqCst) {
            return Err(StorageError::Busy("as asked".into()));
        }
        Ok(())
    }

    fn after_commit(&self, batch: &Batch) -> Result<(), StorageError> {
        if batch.writes.iter().any(is_mark)
            && !self.was_slow.swap(true, Ordering::SeqCst)
            && let Some(port) = self.port.get()
        {
            port.hold(Duration::from_secs(6));
        }
        Ok(())
    }
}

#[test]
fn a_mark_that_cannot_be_taken_back_at_once_is_not_an_unknown_send() {
    let hook = Arc::new(SlowMark::default());
    calm_on("", Some(hook.clone()), |gateway, port| async move {
        hook.port.set(port).expect("set once");
        let state = gateway.state().clone();
        gateway.start().await.expect("starts");
        let event = inbound(3, "m00", state.clock.now());
        let Accept::Accepted { run_id } = state.ingress.accept(event).await else {
            panic!("it is not accepted");
        };
        state.lanes.wait_for_run(&run_id, Duration::from_secs(60)).await.expect("answered");
        sleep(Duration::from_secs(60)).await;
        let rows = state.storage.outbox_of_run(&run_id).await.expect("reads");
        let sent = rows.iter().filter(|row| row.state == OutboxState::Sent && row.uncertain == 0);
        assert_eq!(sent.count(), rows.len(), "{rows:?}");
        assert!(hook.has_failed.load(Ordering::SeqCst) && !rows.is_empty());
        gateway.shutdown().await;
    });
}

/// It is held while its last send may be under way, and then another gateway's.
#[test]
fn an_account_that_is_disconnected_goes_to_another_gateway() {
    calm_shared(|one, two| async move {
        let serves = |gateway: &openclaw_gateway::lifecycle::Gateway| {
            gateway.state().channels.channel(&channel_id()).is_some()
        };
        one.start().await.expect("starts");
        sleep(Duration::from_secs(5)).await;
        two.start().await.expect("starts");
        sleep(Duration::from_secs(60)).await;
        assert!(serves(&one) && !serves(&two));
        one.state().channels.disconnect(&channel_id()).await.expect("disconnects");
        sleep(Duration::from_secs(30)).await;
        assert!(!serves(&one) && !serves(&two), "a send may be under way");
        sleep(Duration::from_secs(60)).await;
        assert!(serves(&two));
    });
}
