//! Instructions of the hot paths under callgrind, each with a hard limit: a change that makes one
//! of them dearer than that fails CI. Limits are about a fifth above what was counted.
#![allow(missing_docs, unreachable_pub, reason = "gungraun's macros make public modules")]

use std::hint::black_box;

use gungraun::prelude::*;
use gungraun::{Callgrind, EventKind};
use openclaw_channel_traits::chunk::{TextLimit, chunk};
use openclaw_channel_traits::markup::to_telegram_html;
use openclaw_channel_traits::{LengthUnit, MarkupDialect};
use openclaw_config::{Environment, LoadRequest, NoChannels, validate_text};
use openclaw_core::{
    ChannelId, ChatId, ChatKind, Conversation, ExternalId, Inbound, InboundKind, MessageContent,
    Sender, SessionKey, Timestamp, UserId,
};
use openclaw_protocol::envelope::Incoming;
use openclaw_protocol::methods::AgentRunParams;
use openclaw_routing::{Decision, RoutingTable};

fn at_most(instructions: u64) -> LibraryBenchmarkConfig {
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, instructions)]));
    config
}

fn thousand_rules() -> (RoutingTable, Inbound) {
    let mut text = String::from("[[agents.list]]\nid = \"work\"\n");
    for rule in 0..1_000 {
        text.push_str(&format!("[[routing.rules]]\nchat = \"-100{rule}\"\nagent = \"work\"\n"));
    }
    let environment = Environment::new([], "/nonexistent", "/nonexistent");
    let loaded =
        validate_text(&LoadRequest::new(&environment, &NoChannels), &text).expect("the rules load");
    let table = RoutingTable::compile(&loaded.config).expect("the rules compile");
    (table, message("-100999"))
}

fn message(chat: &str) -> Inbound {
    Inbound {
        conversation: Conversation {
            channel_id: ChannelId::new("telegram").expect("valid"),
            chat_id: ChatId::new(chat).expect("valid"),
            kind: ChatKind::Group,
            thread_id: None,
            title: Some("a group".to_owned()),
        },
        external_id: ExternalId::new("17").expect("valid"),
        kind: InboundKind::Message,
        sender: Sender {
            id: UserId::new("42").expect("valid"),
            display_name: Some("Ann".to_owned()),
            username: None,
            roles: Vec::new(),
            is_bot: false,
        },
        content: MessageContent::text("what is the state of the project?"),
        reply_to: None,
        mentions_self: true,
        sent_at: Timestamp::from_millis(0),
    }
}

fn long_answer() -> String {
    let section = "## A heading\n\nA paragraph with **bold**, `code` and a [link](https://example.org/).\n\n\
                   - one\n- two\n\n```rust\nfn main() { println!(\"hello\"); }\n```\n\n";
    section.repeat(60)
}

fn run_frame() -> String {
    format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"agent.run\",\"params\":{{\"message\":\"{}\",\"idempotency_key\":\"run-1\"}}}}",
        "a message of usual length ".repeat(8)
    )
}

#[library_benchmark(config = at_most(1_500))]
#[bench::last_of_1000(setup = thousand_rules)]
fn route((table, inbound): (RoutingTable, Inbound)) -> (Decision, RoutingTable, Inbound) {
    let decision = black_box(table.route(black_box(&inbound), None));
    // Dropping a thousand rules is not what is counted.
    (decision, table, inbound)
}

#[library_benchmark(config = at_most(4_010_000))]
#[bench::twelve_thousand_characters(setup = long_answer)]
fn cut(text: String) -> Vec<String> {
    let limit =
        TextLimit { max: 4096, unit: LengthUnit::Utf16, dialect: MarkupDialect::TelegramHtml };
    black_box(chunk(black_box(&text), limit))
}

#[library_benchmark(config = at_most(1_920_000))]
#[bench::twelve_thousand_characters(setup = long_answer)]
fn render(text: String) -> String {
    black_box(to_telegram_html(black_box(&text)))
}

#[library_benchmark(config = at_most(9_750))]
#[bench::agent_run(setup = run_frame)]
fn dispatch(frame: String) -> AgentRunParams {
    let Ok(Incoming::Single(Ok(call))) = Incoming::parse(black_box(&frame)) else {
        panic!("one call")
    };
    black_box(call.params.read().expect("typed params"))
}

#[library_benchmark(config = at_most(5_000))]
#[bench::group()]
fn session_key() -> SessionKey {
    black_box(
        SessionKey::parse(black_box("agent:main:telegram:group:-1001234567890:topic:42"))
            .expect("valid"),
    )
}

library_benchmark_group!(
    name = hot_paths,
    benchmarks = [route, cut, render, dispatch, session_key]
);
main!(library_benchmark_groups = hot_paths);
