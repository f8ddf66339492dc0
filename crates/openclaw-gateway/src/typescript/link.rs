use std::borrow::Cow;
use std::sync::{Arc, OnceLock};

use openclaw_protocol::typescript::connect::Challenge;
use openclaw_protocol::typescript::{event, events};

use tokio_util::task::TaskTracker;

use super::facts::Facts;
use crate::GatewayState;
use crate::hub::{Client, CloseReason};
use crate::rpc::Caller;

/// The longest reason that fits the frame that closes a connection.
const LONGEST_REASON: usize = 120;

/// One connection as the TypeScript protocol sees it.
#[derive(Debug)]
pub(crate) struct Link {
    pub(crate) state: Arc<GatewayState>,
    pub(crate) client: Arc<Client>,
    /// The connection's caller, not signed in before `connect` unless its request carried a
    /// credential.
    pub(crate) caller: Arc<Caller>,
    pub(crate) facts: Facts,
    /// What a device signs; nobody is told it on `/ws`.
    pub(crate) challenge: String,
    pub(crate) id: String,
    tasks: TaskTracker,
    connected: OnceLock<Connected>,
}

/// What a successful `connect` settled.
#[derive(Debug)]
pub(crate) struct Connected {
    /// Its calls: as the connection's caller, but events come by this protocol.
    pub(crate) caller: Arc<Caller>,
    pub(crate) version: u32,
    pub(crate) device_id: Option<String>,
    pub(crate) presence_key: Option<String>,
}

/// How a connection is ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Parting {
    pub(crate) code: u16,
    pub(crate) reason: Cow<'static, str>,
}

impl Parting {
    /// A refusal, which tells why.
    pub(crate) fn refusal(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new(1008, reason)
    }

    pub(crate) fn new(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        let mut reason = reason.into();
        if reason.len() > LONGEST_REASON {
            let mut cut = LONGEST_REASON;
            while !reason.is_char_boundary(cut) {
                cut -= 1;
            }
            reason.to_mut().truncate(cut);
        }
        Self { code, reason }
    }
}

impl Link {
    pub(crate) fn new(
        state: Arc<GatewayState>,
        client: Arc<Client>,
        caller: Arc<Caller>,
        facts: Facts,
        tasks: TaskTracker,
    ) -> Arc<Self> {
        let random: Vec<u8> = (0..2).flat_map(|_| state.rng.next_u64().to_le_bytes()).collect();
        let challenge = hex::encode(random);
        let id = state.ids.new_id();
        let connected = OnceLock::new();
        Arc::new(Self { state, client, caller, facts, challenge, id, tasks, connected })
    }

    /// What the server says first.
    pub(crate) fn challenge_frame(&self) -> String {
        let payload = Challenge { nonce: &self.challenge, ts: self.state.clock.now().as_millis() };
        event(events::name::CHALLENGE, &payload, None, None)
            .expect("a challenge is a text and a number")
    }

    pub(crate) fn connected(&self) -> Option<&Connected> {
        self.connected.get()
    }

    pub(crate) fn connect(&self, connected: Connected) -> bool {
        self.connected.set(connected).is_ok()
    }

    /// How these clients are told that the gateway ends their connection.
    pub(crate) fn parting(&self, reason: CloseReason) -> Parting {
        match reason {
            CloseReason::SlowReader => Parting::refusal("slow consumer"),
            CloseReason::NoPong => Parting::refusal("no sign of life"),
            CloseReason::CredentialRevoked => {
                Parting::refusal("the credential was revoked: device token mismatch")
            }
            CloseReason::Stopping => Parting::new(1012, "service restart"),
        }
    }

    /// Does something beside the answer, at most as long as the connection lives.
    pub(crate) fn follow(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(work);
    }

    /// The connection is over.
    pub(crate) fn gone(&self) {
        if let Some(connected) = self.connected() {
            if let Some(device_id) = &connected.device_id {
                self.state.devices.disconnected(device_id, self.client.id());
            }
            self.state.typescript.leave(self.client.id(), connected.presence_key.as_deref());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Parting;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn reasons_fit_their_frame(reason in "\\PC{0,300}") {
            let parting = Parting::refusal(reason.clone());
            prop_assert!(parting.reason.len() <= 120);
            prop_assert!(reason.starts_with(&*parting.reason));
        }
    }
}
