//! Several keys, aliases, prices and limits.

use insta::assert_snapshot;
use openclaw_config::{ModelPrices, SpendLimits};

use crate::support::Home;

const MOCK: &str = "[models.providers.mock]\napi = \"ollama\"\nbase_url = \"http://localhost:1\"\n";

fn keys(home: &Home, provider: &str) -> Vec<String> {
    let config = home.load().expect("loads").config;
    config.providers[provider].keys().map(|key| key.expose().to_owned()).collect()
}

#[test]
fn keys_are_a_list_of_strings_and_references() {
    let mut home = Home::with(&format!(
        "{MOCK}api_key = \"first\"\napi_keys = [\"${{SECOND}}\", {{ env = \"THIRD\" }}, {{ file = \"fourth\" }}]\n"
    ));
    home.set("SECOND", "second");
    home.set("THIRD", "third");
    home.write("fourth", "fourth\n");
    assert_eq!(keys(&home, "mock"), ["first", "second", "third", "fourth"]);
    let shown = home.load().expect("loads").effective_toml();
    assert!(shown.contains("api_keys = [\"***\", \"***\", \"***\"]"), "{shown}");
    assert!(!shown.contains("third"), "{shown}");

    home.write("openclaw.toml", &format!("{MOCK}api_keys = [\"\", 5, {{ env = \"NOWHERE\" }}]\n"));
    assert_snapshot!(home.errors(), @r#"
    openclaw.toml:4:13: models.providers.mock.api_keys[0]: must not be empty
    openclaw.toml:4:17: models.providers.mock.api_keys[1]: expected a string or { env | file | exec | keyring = … }, found an integer
    openclaw.toml:4:20: models.providers.mock.api_keys[2]: environment variable NOWHERE is not set or empty
    "#);
}

#[test]
fn the_environment_may_hold_several_keys() {
    let mut home = Home::new();
    home.set("OPENAI_API_KEYS", "a, b,,a");
    home.set("OPENAI_API_KEY_2", "c");
    assert_eq!(keys(&home, "openai"), ["a", "b", "c"]);
    home.set("OPENAI_API_KEY", "z");
    assert_eq!(keys(&home, "openai"), ["z", "a", "b", "c"]);
    // What is written counts alone.
    home.write("openclaw.toml", "[models.providers.openai]\napi_keys = [\"x\", \"y\"]\n");
    assert_eq!(keys(&home, "openai"), ["x", "y"]);
    home.write("openclaw.toml", "[models.providers.openai]\n");
    assert_eq!(keys(&home, "openai"), ["z", "a", "b", "c"]);
}

#[test]
fn an_alias_stands_wherever_a_model_does() {
    let home = Home::with(&format!(
        "{MOCK}[models.aliases]\nfast = \"mock/small\"\n\"big.one\" = \"huge\"\n\
         [agents]\nmodel = \"fast\"\nfallbacks = [\"big.one\", \"mock/x\"]\nimage_model = \"fast\"\n"
    ));
    let config = home.load().expect("loads").config;
    let agent = &config.agents[0];
    assert_eq!(agent.model.as_deref(), Some("mock/small"));
    assert_eq!(agent.fallbacks, ["mock/huge", "mock/x"]);
    assert_eq!(agent.image_model.as_deref(), Some("mock/small"));

    home.write(
        "openclaw.toml",
        &format!(
            "{MOCK}[models.aliases]\n\"a/b\" = \"mock/x\"\nother = \"nobody/x\"\nnone = \"\"\n"
        ),
    );
    assert_snapshot!(home.errors(), @r#"
    openclaw.toml:4:1: models.aliases: an alias is made of letters, digits, _, - and .
    openclaw.toml:6:9: models.aliases.other: its provider is not configured; configured: "mock" (add [models.providers.<name>])
    openclaw.toml:7:8: models.aliases.none: must not be empty
    "#);
}

#[test]
fn prices_and_limits_are_dollars() {
    let home = Home::with(&format!(
        "{MOCK}[models.providers.mock.models.\"qwen3:4b\"]\ncontext_window = 65536\n\
         cost = {{ input = 3, output = 15.0, cache_read = 0.3 }}\n\
         [agents.limits]\nmax_cost_per_day_usd = 2.5\nmax_tokens_per_run = 100000\n\
         [[agents.list]]\nid = \"work\"\nlimits = {{ max_cost_per_day_usd = 0 }}\n"
    ));
    let config = home.load().expect("loads").config;
    let model = config.providers["mock"].model("qwen3:4b");
    assert_eq!(model.context_window, Some(65_536));
    assert_eq!(
        model.cost,
        Some(ModelPrices {
            input: 3_000_000,
            output: 15_000_000,
            cache_read: 300_000,
            cache_write: 3_000_000
        })
    );
    let limits = |day| SpendLimits {
        cost_per_day_micros: Some(day),
        tokens_per_run: Some(100_000),
        ..SpendLimits::default()
    };
    let told: Vec<_> = config.agents.iter().map(|agent| agent.limits).collect();
    assert_eq!(told, [limits(2_500_000), limits(0)]);

    home.write(
        "openclaw.toml",
        "[agents.limits]\nmax_cost_per_run_usd = -1\nmax_tokens_per_day = 0\n",
    );
    assert_snapshot!(home.errors(), @r"
    openclaw.toml:2:24: agents.limits.max_cost_per_run_usd: must be from 0 to 1000000, not -1
    openclaw.toml:3:22: agents.limits.max_tokens_per_day: must be from 1 to 1000000000000, not 0
    ");
}

#[test]
fn a_voice_needs_what_its_provider_asks_for() {
    let errors = |text: &str| Home::with(text).errors();
    assert_eq!(errors("[tts]\nprovider = \"espeak-ng\"\n"), "loads");
    assert_snapshot!(errors("[tts]\nprovider = \"piper\"\n"), @r#"openclaw.toml:1:1: tts.voice: is missing (the path of a voice file such as "~/voices/en_US-amy-medium.onnx")"#);
    assert_snapshot!(errors("[tts]\nprovider = \"elevenlabs\"\n"), @"openclaw.toml:1:1: tts.api_key: is missing");
    let home = Home::with("[tts]\nprovider = \"piper\"\nvoice = \"~/amy.onnx\"\n");
    let tts = home.load().expect("loads").config.tts.clone().expect("set");
    assert_eq!(home.shown(&tts.voice.expect("set")), "~/amy.onnx");
    assert!(Home::new().load().expect("loads").config.tts.is_none());
}
