//! What the clock decides, on a gateway without faults: when a session is reset, and when a lane
//! that has nothing to do ends.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use openclaw_channel_traits::{Accept, Ingress as _};
use openclaw_core::{Session, SessionKey};
use openclaw_gateway::GatewayState;
use tokio::time::sleep;

use crate::life::calm;
use crate::service::{CHATS, inbound};

/// The last chat is a direct one.
const CHAT: usize = CHATS - 1;
const MINUTE: Duration = Duration::from_secs(60);

/// A gateway at noon, with people who say something now and then.
struct Noon {
    state: Arc<GatewayState>,
}

impl Noon {
    /// Says something, waits for the answer and gives the session it was said in.
    async fn say(&self, name: &str) -> Session {
        let event = inbound(CHAT, name, self.state.clock.now());
        let Accept::Accepted { run_id } = self.state.ingress.accept(event).await else {
            panic!("{name} is not accepted");
        };
        self.state.lanes.wait_for_run(&run_id, MINUTE).await.expect("it is answered");
        let row = self.state.storage.input_by_run(&run_id).await.expect("reads").expect("stored");
        self.state.storage.session(&row.session_id).await.expect("reads").expect("is there")
    }

    /// How many messages a session has.
    async fn said(&self, session: &Session) -> usize {
        self.state.storage.messages_after(&session.id, 0, 100).await.expect("reads").len()
    }

    async fn live(&self, key: &SessionKey) -> Session {
        self.state.storage.session_by_key(key).await.expect("reads").expect("one is live")
    }
}

fn at_noon<F: Future<Output = ()>>(settings: &str, story: impl FnOnce(Noon) -> F) {
    calm(settings, |gateway| {
        let state = gateway.state().clone();
        async move {
            gateway.start().await.expect("starts");
            story(Noon { state }).await;
            gateway.shutdown().await;
        }
    });
}

#[test]
fn a_daily_reset_comes_with_the_first_message_after_the_hour() {
    at_noon("reset = { mode = \"daily\", at = \"04:00\" }", |noon| async move {
        let first = noon.say("m00").await;
        sleep(MINUTE * (16 * 60 - 1)).await;
        let before = noon.say("m01").await;
        assert_eq!(before.id, first.id, "at one minute to four");
        sleep(MINUTE * 2).await;
        let after = noon.say("m02").await;
        assert_ne!(after.id, first.id, "at one minute past four");
        assert_eq!(after.session_key, first.session_key);
        let old = noon.state.storage.session(&first.id).await.expect("reads").expect("it is kept");
        assert!(old.ended_at.is_some());
        assert_eq!([noon.said(&old).await, noon.said(&after).await], [4, 2]);
        assert_eq!(noon.live(&first.session_key).await.id, after.id);
    });
}

#[test]
fn an_idle_reset_comes_after_silence_and_not_after_time() {
    at_noon("reset = { mode = \"idle\", idle_minutes = 30 }", |noon| async move {
        let first = noon.say("m00").await;
        for name in ["m01", "m02"] {
            sleep(MINUTE * 29).await;
            assert_eq!(noon.say(name).await.id, first.id, "it was not idle for so long");
        }
        sleep(MINUTE * 31).await;
        let after = noon.say("m03").await;
        assert_ne!(after.id, first.id);
        assert_eq!([noon.said(&first).await, noon.said(&after).await], [6, 2]);
    });
}

#[test]
fn without_a_policy_a_session_stays() {
    at_noon("reset = { mode = \"never\" }", |noon| async move {
        let first = noon.say("m00").await;
        sleep(MINUTE * 60 * 24 * 30).await;
        assert_eq!(noon.say("m01").await.id, first.id);
    });
}

#[test]
fn a_lane_without_work_ends() {
    at_noon("", |noon| async move {
        noon.say("m00").await;
        assert_eq!(noon.state.lanes.live(), 1);
        sleep(MINUTE / 2).await;
        assert_eq!(noon.state.lanes.live(), 1, "the next message may come soon");
        sleep(MINUTE).await;
        assert_eq!(noon.state.lanes.live(), 0);
        noon.say("m01").await;
        assert_eq!(noon.state.lanes.live(), 1);
    });
}
