//! The time from a call's text to its answer's, without a socket.
#![allow(dead_code, unused_imports, reason = "the tests' support serves more than is measured")]

#[path = "../tests/wire/channel.rs"]
mod channel;
#[path = "../tests/wire/runner.rs"]
mod runner;
#[path = "../tests/wire/support.rs"]
mod support;

use criterion::{Criterion, criterion_group, criterion_main};
use openclaw_gateway::server::ServerLimits;
use openclaw_protocol::Scope;
use serde_json::json;
use support::TestGateway;

const SESSIONS: usize = 1_000;

fn dispatch(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.expect("a runtime");
    let gateway = runtime.block_on(async {
        let unlimited = "[gateway.rate_limit]\nrequests_per_second = 0";
        let gateway = TestGateway::with(unlimited, ServerLimits::default()).await;
        for _ in 0..SESSIONS {
            gateway.call_as("bench", &[Scope::Write], "session.create", json!({})).await;
        }
        gateway
    });
    let mut group = criterion.benchmark_group("dispatch");
    for (name, method, params) in [
        ("ping", "ping", json!({})),
        ("unknown_method", "nothing.at_all", json!({})),
        ("bad_params", "session.get", json!({ "wrong": 1 })),
        ("session_list_50", "session.list", json!({ "limit": 50 })),
    ] {
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                runtime.block_on(gateway.call_as("bench", &[Scope::Read], method, params.clone()))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, dispatch);
criterion_main!(benches);
