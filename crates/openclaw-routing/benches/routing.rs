//! The time of one decision with a thousand rules.

#[path = "../tests/support/mod.rs"]
mod support;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use openclaw_config::RoutingRule;
use openclaw_core::{AgentId, ChannelKind, ChatKind};
use openclaw_routing::RoutingTable;
use support::{config, message, rule};

const RULES: usize = 1_000;

fn table(with: impl Fn(usize) -> RoutingRule) -> RoutingTable {
    RoutingTable::compile(&config((0..RULES).map(with).collect())).expect("compiles")
}

fn decisions(criterion: &mut Criterion) {
    let work = AgentId::new("work").expect("valid");
    let telegram = ChannelKind::new("telegram").expect("valid");
    let by_chat = table(|n| RoutingRule {
        channel: Some(telegram.clone()),
        chat: Some(format!("-100{n}")),
        agent: Some(work.clone()),
        ..rule(n)
    });
    let by_sender_in_one_chat = table(|n| RoutingRule {
        chat: Some("-1".into()),
        sender: Some(format!("{n}")),
        agent: Some(work.clone()),
        ..rule(n)
    });
    let by_pattern = table(|n| RoutingRule {
        channel: Some(telegram.clone()),
        pattern: Some(format!(r"\bproject-{n:04}\b")),
        agent: Some(work.clone()),
        ..rule(n)
    });
    // No index helps here: each rule is looked at, and none matches.
    let alike = table(|n| RoutingRule {
        channel: Some(telegram.clone()),
        chat_kind: Some(ChatKind::Direct),
        role: Some("admin".into()),
        account: Some(if n % 2 == 0 { "default".into() } else { "work".into() }),
        agent: Some(work.clone()),
        ..rule(n)
    });
    let unfiltered = table(|n| RoutingRule {
        pattern: Some(format!(r"^\d{{{}}}$", n + 100)),
        agent: Some(work.clone()),
        ..rule(n)
    });
    let short = "what is the state of project-0999, and who works on it?";
    let long =
        format!("{} project-0500 größer", "a text of some length about a project ".repeat(90));
    let group = |chat: &str, sender: &str, text: &str| {
        message("telegram", ChatKind::Group, chat, sender, text)
    };
    let mut admin = group("-1", "5", "hello");
    admin.sender.roles = vec!["member".into(), "admin".into()];
    for (name, table, inbound) in [
        ("chat, last rule", &by_chat, group("-100999", "5", short)),
        ("chat, no rule", &by_chat, group("-2", "5", short)),
        ("sender in one chat", &by_sender_in_one_chat, group("-1", "999", short)),
        ("pattern, short text", &by_pattern, group("-1", "5", short)),
        ("pattern, 3,400 characters", &by_pattern, group("-1", "5", &long)),
        ("a thousand alike", &alike, admin),
        ("patterns without words", &unfiltered, group("-1", "5", short)),
    ] {
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| table.route(black_box(&inbound), None));
        });
    }
}

criterion_group!(benches, decisions);
criterion_main!(benches);
