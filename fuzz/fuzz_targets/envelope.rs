//! What a client sends over JSON-RPC, down to the params of every method.
#![no_main]

use libfuzzer_sys::fuzz_target;
use openclaw_protocol::envelope::{Call, Incoming, Rejected, ServerFrame};
use openclaw_protocol::methods as m;

fn read(call: Result<Call<'_>, Rejected>) {
    let Ok(call) = call else { return };
    drop(call.params.read::<m::AgentRunParams>());
    drop(call.params.read::<m::AuthenticateParams>());
    drop(call.params.read::<m::SessionUpdateParams>());
    drop(call.params.read::<m::SubscribeParams>());
    drop(call.params.read::<m::KeysCreateParams>());
    drop(call.params.read::<serde_json::Value>());
}

fuzz_target!(|text: &str| {
    match Incoming::parse(text) {
        Ok(Incoming::Single(call)) => read(call),
        Ok(Incoming::Batch(calls)) => calls.into_iter().for_each(read),
        Err(_) => {}
    }
    drop(ServerFrame::parse(text));
});
