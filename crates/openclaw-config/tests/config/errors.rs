//! What the owner reads when the configuration is wrong: place, key, problem, what is allowed.

use crate::support::Home;
use insta::assert_snapshot;

#[test]
fn every_mistake_is_reported_at_once_with_its_place() {
    let home = Home::with(
        r#"[gatway]
port = 1

[gateway]
port = 70000
bind_address = "example.org"
max_connections = "many"
allowed_origins = ["https://a.example/", 5]

[agents]
modle = "openai/gpt-5"
sandbox = { mode = "allways" }
[[agents.list]]
id = "Work"
[[agents.list]]
workspace = "w"

[session]
dm_scope = "peer"
owners = ["me"]
reset = { mode = "idle", at = "24:00" }

[[routing.rules]]
chanel = "telegram"
pattern = "("
agent = "nobody"

[channels.telegram]
tokn = "123:abc"
dm_policy = "opne"
groups."-100".require_mention = "yes"

[channels.slak]
token = "x"

[channels.matrix]
"#,
    );
    assert_snapshot!(home.errors(), @r#"
    openclaw.toml:1:2: gatway: unknown key; allowed here: include, gateway, agents, models, tools, session, skills, routing, delivery, storage, channels, hooks, mcp, memory, cron, logging, diagnostics, tts (did you mean "gateway"?)
    openclaw.toml:5:8: gateway.port: must be from 0 to 65535, not 70000
    openclaw.toml:6:16: gateway.bind_address: must be an IP address without a port, such as "127.0.0.1", "0.0.0.0" or "::1"
    openclaw.toml:7:19: gateway.max_connections: expected a whole number, found a string
    openclaw.toml:8:20: gateway.allowed_origins[0]: must be an origin such as "https://chat.example.org" or "http://localhost:5173", without a path
    openclaw.toml:8:42: gateway.allowed_origins[1]: expected a string, found an integer
    openclaw.toml:11:1: agents.modle: unknown key; allowed here: sandbox, limits, compaction, pi, runtime, image_model, model, fallbacks, max_context_tokens, workspace, timeout_seconds, idle_timeout_seconds, heartbeat, skills, list, subagents (did you mean "model"?)
    openclaw.toml:12:20: agents.sandbox.mode: must be one of "never", "non_main", "always" (did you mean "always"?)
    openclaw.toml:14:6: agents.list[0].id: must be an agent id: [a-z0-9][a-z0-9_-]{0,63}
    openclaw.toml:15:1: agents.list[1].id: is missing (The agent's id: 1 to 64 of a-z 0-9 _ -.)
    openclaw.toml:19:12: session.dm_scope: must be one of "main", "per_peer", "per_channel_peer", "per_account_channel_peer" (did you mean "per_peer"?)
    openclaw.toml:20:11: session.owners[0]: must be <channel>:<user id>, such as "telegram:123456"
    openclaw.toml:21:18: session.reset.mode: "idle" needs idle_minutes above 0
    openclaw.toml:21:31: session.reset.at: must be a time of day such as "04:00"
    openclaw.toml:24:1: routing.rules[0].chanel: unknown key; allowed here: channel, account, chat_kind, chat, sender, role, pattern, agent, session (did you mean "channel"?)
    openclaw.toml:25:11: routing.rules[0].pattern: must be a regular expression in the syntax of the Rust crate regex, without look-around and back-references
    openclaw.toml:26:9: routing.rules[0].agent: no such agent; known: "main"
    openclaw.toml:28:1: channels.telegram.token: is missing (set token, or token_file with the path of a file that holds it)
    openclaw.toml:29:1: channels.telegram.tokn: unknown key; allowed here: enabled, token, token_file, dm_policy, allow_from, groups, accounts (did you mean "token"?)
    openclaw.toml:30:13: channels.telegram.dm_policy: must be one of "open", "pairing" (did you mean "open"?)
    openclaw.toml:31:33: channels.telegram.groups.-100.require_mention: expected true or false, found a string
    openclaw.toml:33:11: channels.slak: unknown channel; this build has "telegram", "slack" (did you mean "slack"?)
    openclaw.toml:36:11: channels.matrix: this build lacks the channel; it comes with the build feature "matrix"
    "#);
}

#[test]
fn broken_toml_has_a_place() {
    assert_snapshot!(Home::with("[gateway]\nport = = 1\n").errors(), @"openclaw.toml:2:8: extra `=`, expected nothing");
    assert_snapshot!(Home::with("[gateway]\nport = 1\nport = 2\n").errors(), @"openclaw.toml:3:1: duplicate key");
    assert_snapshot!(Home::with("[gateway\n").errors(), @"openclaw.toml:1:9: unclosed table, expected `]`");
    assert_snapshot!(Home::with("a = \"x\n").errors(), @r#"openclaw.toml:1:7: invalid basic string, expected `"`"#);
    assert_snapshot!(Home::with("[session.reset]\nat = 04:00:00\n").errors(), @"openclaw.toml:2:6: session.reset.at: no key takes a TOML date or time; write it as a string in quotes");
}
