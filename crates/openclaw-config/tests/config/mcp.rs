use std::time::Duration;

use openclaw_config::{ExecAsk, McpTransport};
use openclaw_core::{AgentId, Secret};

use crate::support::Home;

#[test]
fn servers_are_read_with_their_secrets_and_defaults() {
    let mut home = Home::with(
        "[mcp.servers.files]\ncommand = \"files\"\nargs = [\"--stdio\"]\nenv = { KEY = \"${KEY}\", OTHER = { env = \"KEY\" } }\ncwd = \"~/f\"\n\
         [mcp.servers.web]\nurl = \"https://mcp.example.org/mcp?x=1\"\nheaders = { Authorization = \"Bearer ${KEY}\" }\ntimeout_secs = 5\nask = \"always\"\nagents = [\"main\"]\ntools = { deny = [\"delete_*\"] }\n",
    );
    home.set("KEY", "canary");
    let loaded = home.load().expect("loads");
    let files = &loaded.config.mcp["files"];
    assert!(files.enabled && files.serves(&AgentId::main()) && files.ask == ExecAsk::Off);
    let McpTransport::Stdio(program) = &files.transport else { panic!("a program") };
    assert_eq!((program.command.as_str(), program.sandbox), ("files", false));
    assert_eq!(program.cwd.as_deref(), Some(home.path().join("f").as_path()));
    assert_eq!(program.env["KEY"], Secret::new("canary"));
    assert_eq!(program.env["OTHER"], Secret::new("canary"));
    let web = &loaded.config.mcp["web"];
    assert_eq!((web.timeout, web.ask), (Duration::from_secs(5), ExecAsk::Always));
    assert_eq!(web.deny, ["delete_*"]);
    let McpTransport::Http(endpoint) = &web.transport else { panic!("over HTTP") };
    assert_eq!(endpoint.headers["Authorization"], Secret::new("Bearer canary"));
    let shown = loaded.effective().to_string();
    assert!(!shown.contains("canary") && shown.contains("***"), "{shown}");
    assert!(!format!("{:?}", loaded.config.mcp).contains("canary"));
}

#[test]
fn what_is_wrong_with_a_server_is_told() {
    for (text, says) in [
        ("[mcp.servers.a]\n", "needs command, for a program, or url"),
        ("[mcp.servers.a]\ncommand = \"x\"\nurl = \"https://a\"\n", "a server has one of them"),
        ("[mcp.servers.a__b]\ncommand = \"x\"\n", "without two _ together"),
        ("[mcp.servers.a]\nurl = \"ftp://a\"\n", "must begin with https:// or http://"),
        ("[mcp.servers.a]\nurl = \"https://u:p@a\"\n", "must not hold a user or password"),
        (
            "[mcp.servers.a]\nurl = \"https://a\"\nargs = [\"x\"]\n",
            "has no meaning without command",
        ),
        (
            "[mcp.servers.a]\ncommand = \"x\"\nheaders = { A = \"b\" }\n",
            "has no meaning without url",
        ),
        (
            "[mcp.servers.a]\nurl = \"https://a\"\nheaders = { Host = \"b\" }\n",
            "the protocol sets itself",
        ),
        (
            "[mcp.servers.a]\ncommand = \"x\"\nenv = { \"A B\" = \"c\" }\n",
            "not the name of a variable",
        ),
        ("[mcp.servers.a]\ncommand = \"x\"\nagents = [\"nobody\"]\n", "there is no agent nobody"),
        (
            "[mcp.servers.a]\nurl = \"https://a\"\nclient_secret = \"b\"\n",
            "given without client_id",
        ),
    ] {
        let errors = Home::with(text).errors();
        assert!(errors.contains(says), "{text}: {errors}");
    }
}
