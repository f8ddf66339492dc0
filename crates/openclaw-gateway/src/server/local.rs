use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use openclaw_core::{IdGen as _, Secret};
use tokio::sync::mpsc;
use tokio_util::task::TaskTracker;

use crate::GatewayState;
use crate::auth::{Authenticator, Principal};
use crate::hub::Outgoing;
use crate::rpc::{Caller, answer};

/// Texts under way in each direction.
const TEXTS: usize = 64;

/// Connects a client in this process, signed in as the owner: the two ends carry JSON-RPC texts.
pub fn connect_local(state: &Arc<GatewayState>) -> (mpsc::Sender<String>, mpsc::Receiver<String>) {
    let (to_gateway, mut calls) = mpsc::channel::<String>(TEXTS);
    let (answers, from_gateway) = mpsc::channel(TEXTS);
    let client = state.hub.connect();
    let owner = Principal::owner();
    state.hub.sign_in(&client, owner.name.clone(), owner.scopes);
    // No token opens this door: its other side is the process itself.
    let no_token = Secret::new(openclaw_core::SystemIds.new_id());
    let authenticator =
        Authenticator::new(&no_token, state.credentials.clone(), state.clock.clone());
    let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let caller =
        Arc::new(Caller::new(address, Some(client.clone()), Arc::new(authenticator), Some(owner)));
    let state = state.clone();
    let tasks = TaskTracker::new();
    let running = tasks.clone();
    tasks.spawn(async move {
        loop {
            while let Some(outgoing) = client.try_next() {
                let text = match outgoing {
                    Outgoing::Event(text) | Outgoing::Answer(text, _) => text.as_str().to_owned(),
                    Outgoing::Ping => continue,
                };
                if answers.send(text).await.is_err() {
                    state.hub.disconnect(&client);
                    return;
                }
            }
            // Cancel-safe: both only wait, and a read of stored events is repeated.
            tokio::select! {
                () = client.changed() => {}
                () = client.catch_up(state.storage.as_ref()), if client.needs_catch_up() => {}
                call = calls.recv() => {
                    let Some(text) = call else { break };
                    let (state, caller, client) = (state.clone(), caller.clone(), client.clone());
                    running.spawn(async move {
                        if let Some(text) = answer(&state, &caller, &text).await {
                            client.answer(text, None);
                        }
                    });
                }
            }
        }
        state.hub.disconnect(&client);
    });
    tasks.close();
    (to_gateway, from_gateway)
}
