//! Decisions of a table through its public surface.

mod support;

use openclaw_config::RoutingRule;
use openclaw_core::{AgentId, ChannelKind, ChatKind, Inbound};
use openclaw_routing::{DecidedBy, RoutingError, RoutingTable};
use proptest::prelude::*;
use support::{config, message, rule};

fn id(text: &str) -> AgentId {
    AgentId::new(text).expect("valid")
}

fn table(rules: Vec<RoutingRule>) -> RoutingTable {
    RoutingTable::compile(&config(rules)).expect("compiles")
}

#[test]
fn the_first_rule_in_file_order_decides() {
    let table = table(vec![
        RoutingRule { chat: Some("C1".into()), agent: Some(id("work")), ..rule(1) },
        RoutingRule {
            channel: Some(ChannelKind::new("slack").expect("valid")),
            agent: Some(id("home")),
            session: Some("team".into()),
            ..rule(2)
        },
        RoutingRule { agent: Some(id("main")), ..rule(3) },
    ]);
    let decide = |channel, chat| {
        let decision = table.route(&message(channel, ChatKind::Channel, chat, "U1", "hi"), None);
        (decision.agent_id.into_string(), decision.session, decision.rule)
    };
    assert_eq!(decide("slack", "C1"), ("work".into(), None, Some("openclaw.toml:1".into())));
    assert_eq!(
        decide("slack/acme", "C2"),
        ("home".into(), Some("team".into()), Some("openclaw.toml:2".into()))
    );
    assert_eq!(decide("discord", "C2"), ("main".into(), None, Some("openclaw.toml:3".into())));
}

#[test]
fn a_chats_own_agent_stands_between_rules_and_the_default() {
    let rules = vec![RoutingRule { chat: Some("a".into()), agent: Some(id("work")), ..rule(1) }];
    let table = table(rules);
    let home = id("home");
    let route = |chat, preferred| {
        table.route(&message("telegram", ChatKind::Group, chat, "1", ""), preferred).agent_id
    };
    assert_eq!(route("a", Some(&home)), id("work"));
    assert_eq!(route("b", Some(&home)), home);
    assert_eq!(route("b", None), id("main"));
}

#[test]
fn names_and_patterns_ignore_case_and_ids_do_not() {
    let table = table(vec![
        RoutingRule { sender: Some("@Alice".into()), agent: Some(id("work")), ..rule(1) },
        RoutingRule { sender: Some("U9".into()), agent: Some(id("home")), ..rule(2) },
        RoutingRule { sender: Some("@bob:example.org".into()), agent: Some(id("home")), ..rule(3) },
        RoutingRule {
            pattern: Some(r"^deploy\b".into()),
            account: Some("default".into()),
            agent: Some(id("work")),
            ..rule(4)
        },
    ]);
    let mut named = message("telegram", ChatKind::Direct, "5", "5", "hi");
    named.sender.username = Some("aLICE".into());
    let place = |inbound: &Inbound| table.route(inbound, None).rule.map(|place| place.to_string());
    assert_eq!(place(&named).as_deref(), Some("openclaw.toml:1"));
    let direct = |channel, sender, text| message(channel, ChatKind::Direct, "5", sender, text);
    assert_eq!(place(&direct("slack", "U9", "")).as_deref(), Some("openclaw.toml:2"));
    assert_eq!(place(&direct("slack", "u9", "")), None);
    assert_eq!(
        place(&direct("matrix", "@bob:example.org", "")).as_deref(),
        Some("openclaw.toml:3")
    );
    assert_eq!(place(&direct("slack", "U1", "DEPLOY it")).as_deref(), Some("openclaw.toml:4"));
    assert_eq!(place(&direct("slack", "U1", "deployed")), None);
    assert_eq!(place(&direct("slack/acme", "U1", "DEPLOY it")), None);
}

#[test]
fn what_cannot_be_compiled_names_the_rule() {
    let compile = |rule| RoutingTable::compile(&config(vec![rule])).expect_err("refused");
    let unknown = compile(RoutingRule { agent: Some(id("nobody")), ..rule(7) });
    assert_eq!(
        unknown.to_string(),
        "openclaw.toml:7: routing rule names agent nobody, which is not configured"
    );
    let pattern = compile(RoutingRule { pattern: Some("(".into()), ..rule(8) });
    assert!(
        matches!(pattern, RoutingError::InvalidPattern { place, .. } if place == "openclaw.toml:8")
    );
    let session = compile(RoutingRule { session: Some(String::new()), ..rule(9) });
    assert!(
        matches!(session, RoutingError::InvalidSession { place, .. } if place == "openclaw.toml:9")
    );
}

#[test]
fn an_explanation_names_the_first_condition_that_failed() {
    let table = table(vec![
        RoutingRule {
            channel: Some(ChannelKind::new("slack").expect("valid")),
            chat: Some("C1".into()),
            agent: Some(id("work")),
            ..rule(1)
        },
        RoutingRule { chat_kind: Some(ChatKind::Group), pattern: Some("deploy".into()), ..rule(2) },
        RoutingRule { role: Some("admin".into()), agent: Some(id("home")), ..rule(3) },
        RoutingRule { session: Some("all".into()), ..rule(4) },
    ]);
    let mut inbound = message("telegram", ChatKind::Group, "-5", "1", "hello");
    inbound.sender.roles = vec!["member".into(), "admin".into()];
    let explanation = table.explain(&inbound, None);
    assert_eq!(explanation.decided_by, DecidedBy::Rule);
    insta::assert_json_snapshot!(explanation, @r#"
    {
      "rules": [
        {
          "place": "openclaw.toml:1",
          "agent_id": "work",
          "verdict": "failed",
          "condition": "channel",
          "expected": "slack",
          "actual": "telegram"
        },
        {
          "place": "openclaw.toml:2",
          "agent_id": "main",
          "verdict": "failed",
          "condition": "pattern",
          "expected": "deploy",
          "actual": "hello"
        },
        {
          "place": "openclaw.toml:3",
          "agent_id": "home",
          "verdict": "decided"
        },
        {
          "place": "openclaw.toml:4",
          "agent_id": "main",
          "session": "all",
          "verdict": "shadowed"
        }
      ],
      "decision": {
        "agent_id": "home",
        "rule": "openclaw.toml:3"
      },
      "decided_by": "rule"
    }
    "#);
}

fn any_rule() -> impl Strategy<Value = RoutingRule> {
    let option = |values: &'static [&'static str]| {
        prop::option::weighted(0.3, prop::sample::select(values).prop_map(str::to_owned))
    };
    (
        option(&["telegram", "slack"]),
        option(&["default", "acme"]),
        prop::option::weighted(
            0.3,
            prop::sample::select(vec![ChatKind::Direct, ChatKind::Group, ChatKind::Channel]),
        ),
        option(&["c1", "c2", "c3"]),
        option(&["u1", "u2", "@Ann", "@bea"]),
        option(&["admin", "guest"]),
        option(&["deploy", r"\d+", "^go|stop$", "größe"]),
        prop::option::of(prop::sample::select(vec!["main", "work", "home"])),
    )
        .prop_map(|(channel, account, chat_kind, chat, sender, role, pattern, agent)| {
            RoutingRule {
                channel: channel.map(|kind| ChannelKind::new(kind).expect("valid")),
                account,
                chat_kind,
                chat,
                sender,
                role,
                pattern,
                agent: agent.map(id),
                ..rule(0)
            }
        })
}

fn any_message() -> impl Strategy<Value = Inbound> {
    let pick = |values: &'static [&'static str]| prop::sample::select(values);
    (
        pick(&["telegram", "slack", "slack/acme", "irc"]),
        prop::sample::select(vec![ChatKind::Direct, ChatKind::Group, ChatKind::Channel]),
        pick(&["c1", "c2", "c3", "c4"]),
        pick(&["u1", "u2", "u3"]),
        prop::option::of(pick(&["ann", "ANN", "Bea"])),
        prop::collection::vec(pick(&["admin", "guest", "other"]), 0..3),
        pick(&["", "deploy 5", "Go on", "do not STOP", "GRÖSSE", "hello"]),
    )
        .prop_map(|(channel, kind, chat, sender, username, roles, text)| {
            let mut inbound = message(channel, kind, chat, sender, text);
            inbound.sender.username = username.map(str::to_owned);
            inbound.sender.roles = roles.into_iter().map(str::to_owned).collect();
            inbound
        })
}

proptest! {
    #[test]
    fn the_index_decides_as_a_scan_does(
        rules in prop::collection::vec(any_rule(), 0..60),
        messages in prop::collection::vec(any_message(), 1..20),
    ) {
        let rules = rules
            .into_iter()
            .enumerate()
            .map(|(place, with)| RoutingRule { place: format!("openclaw.toml:{place}"), ..with })
            .collect();
        let table = table(rules);
        for inbound in messages {
            prop_assert_eq!(table.route(&inbound, None), table.explain(&inbound, None).decision);
        }
    }
}
