use insta::assert_snapshot;
use openclaw_config::ProviderApi;
use openclaw_core::Secret;

use crate::support::Home;

fn model_of(home: &Home) -> Option<String> {
    home.load().expect("loads").config.agents[0].model.clone()
}

#[test]
fn providers_are_found_in_the_environment() {
    let mut home = Home::new();
    home.set("GEMINI_API_KEY", "g");
    home.set("ANTHROPIC_API_KEY", "a");
    let config = home.load().expect("loads").config;
    assert_eq!(config.providers.keys().collect::<Vec<_>>(), ["anthropic", "gemini"]);
    let anthropic = &config.providers["anthropic"];
    assert!(anthropic.from_environment);
    assert_eq!(anthropic.api, ProviderApi::AnthropicMessages);
    assert_eq!(anthropic.base_url, "https://api.anthropic.com");
    assert_eq!(anthropic.api_key, Some(Secret::new("a")));
    assert_eq!(model_of(&home).as_deref(), Some("anthropic/claude-sonnet-4-5"));

    home.set("OPENAI_API_KEY", "o");
    home.set("OPENAI_BASE_URL", "http://127.0.0.1:9/v1/");
    assert_eq!(model_of(&home).as_deref(), Some("openai/gpt-5"));
    let config = home.load().expect("loads").config;
    assert_eq!(config.providers["openai"].base_url, "http://127.0.0.1:9/v1");
}

#[test]
fn a_configured_provider_puts_the_environment_aside() {
    let mut home = Home::with(
        "[models.providers.mock]\napi = \"ollama\"\nbase_url = \"http://localhost:1\"\n",
    );
    home.set("OPENAI_API_KEY", "o");
    let config = home.load().expect("loads").config;
    assert_eq!(config.providers.keys().collect::<Vec<_>>(), ["mock"]);
    assert_eq!(model_of(&home), None);

    home.write(
        "openclaw.toml",
        "[agents]\nmodel = \"openai/gpt-5\"\n[models.providers.mock]\napi = \"ollama\"\nbase_url = \"http://localhost:1\"\n",
    );
    let config = home.load().expect("loads").config;
    assert_eq!(config.providers.keys().collect::<Vec<_>>(), ["mock", "openai"]);
}

#[test]
fn a_well_known_provider_needs_only_a_key() {
    let mut home = Home::with("[models.providers.openrouter]\napi_key = \"k\"\n");
    let config = home.load().expect("loads").config;
    assert_eq!(config.providers["openrouter"].base_url, "https://openrouter.ai/api/v1");
    assert_eq!(model_of(&home).as_deref(), Some("openrouter/openrouter/auto"));

    home.write("openclaw.toml", "[models.providers.xai]\n");
    assert_snapshot!(home.errors(), @"openclaw.toml:1:1: models.providers.xai.api_key: is missing (or set XAI_API_KEY)");
    home.set("XAI_API_KEY", "x");
    assert_eq!(model_of(&home).as_deref(), Some("xai/grok-4"));

    // The owner's key for the real service is not sent to another server.
    home.write("openclaw.toml", "[models.providers.xai]\nbase_url = \"http://127.0.0.1:1\"\n");
    let config = home.load().expect("loads").config;
    assert_eq!(config.providers["xai"].api_key, None);
    assert_eq!(model_of(&home), None);
}

#[test]
fn bare_names_find_their_provider() {
    let model = |text: &str| {
        let mut home = Home::with(text);
        home.set("OPENAI_API_KEY", "o");
        home.set("ANTHROPIC_API_KEY", "a");
        model_of(&home)
    };
    let one = "[models.providers.mock]\napi = \"ollama\"\nbase_url = \"http://localhost:1\"\n";
    assert_eq!(model(&format!("[agents]\nmodel = \"x\"\n{one}")).as_deref(), Some("mock/x"));
    assert_eq!(
        model("[agents]\nmodel = \"claude-opus-4\"\n").as_deref(),
        Some("anthropic/claude-opus-4")
    );
    assert_eq!(model("[agents]\nmodel = \"o3\"\n").as_deref(), Some("openai/o3"));
}

#[test]
fn models_without_a_provider_are_refused() {
    let errors = |text: &str| Home::with(text).errors();
    let mock = "[models.providers.mock]\napi = \"ollama\"\nbase_url = \"http://localhost:1\"\n[models.providers.other]\napi = \"gemini\"\nbase_url = \"https://x.example\"\n";
    assert_snapshot!(errors(&format!("{mock}[agents]\nmodel = \"mokc/x\"\nfallbacks = [\"mock/a\", \"plain\", \"mock/\"]\n")), @r#"
    openclaw.toml:8:9: agents.model: its provider is not configured; configured: "mock", "other" (did you mean "mock"?)
    openclaw.toml:9:24: agents.fallbacks[1]: names no provider, and none can be told from it; configured: "mock", "other" (write provider/model)
    openclaw.toml:9:33: agents.fallbacks[2]: must be provider/model
    "#);
    assert_snapshot!(errors("[agents]\nmodel = \"anthropic/claude\"\n[[agents.list]]\nid = \"a\"\nmodel = \"nobody/x\"\n"), @r#"
    openclaw.toml:2:9: agents.model: there is no key for anthropic (set ANTHROPIC_API_KEY or models.providers.anthropic.api_key)
    openclaw.toml:5:9: agents.list[0].model: its provider is not configured; none is configured (add [models.providers.<name>])
    "#);
    assert_snapshot!(errors("[agents]\nmodel = \"gpt-5\"\n"), @"openclaw.toml:2:9: agents.model: names no provider, and none can be told from it; none is configured (write provider/model)");
    assert_snapshot!(errors("[models.providers.mine]\napi = \"openai\"\n[models.providers.\"a b\"]\napi = \"gemini\"\nbase_url = \"ftp://x\"\n"), @r#"
    openclaw.toml:1:1: models.providers.mine.base_url: is missing (the root of the API, such as "https://api.example.org/v1")
    openclaw.toml:2:7: models.providers.mine.api: must be one of "openai-chat", "openai-responses", "anthropic-messages", "gemini", "ollama" (did you mean "openai-chat"?)
    openclaw.toml:3:1: models.providers."a b": a provider's name is made of letters, digits, _, - and .
    openclaw.toml:5:12: models.providers."a b".base_url: must begin with https:// or http://
    "#);
    assert_snapshot!(errors("[models.providers.mine]\napi = \"gemini\"\nbase_url = \"https://u:p@x.example\"\n"), @"openclaw.toml:3:12: models.providers.mine.base_url: must not hold a user or password; use api_key");
    assert_snapshot!(errors("[models.providers.mine]\napi = \"gemini\"\nbase_url = \"x.example/v1?key=1\"\n"), @r#"openclaw.toml:3:12: models.providers.mine.base_url: must be a URL such as "https://api.example.org/v1""#);
}

#[test]
fn ollama_needs_no_key() {
    let home = Home::with("[agents]\nmodel = \"ollama/qwen3\"\n");
    let config = home.load().expect("loads").config;
    assert_eq!(config.providers["ollama"].base_url, "http://127.0.0.1:11434");
}

#[test]
fn plain_http_beyond_this_machine_is_warned_about() {
    let home = Home::with(
        "[models.providers.mine]\napi = \"openai-chat\"\nbase_url = \"http://192.168.0.5:8080/v1\"\n[models.providers.here]\napi = \"openai-chat\"\nbase_url = \"http://[::1]:8080/v1\"\n",
    );
    assert_snapshot!(home.warnings(), @"openclaw.toml:3:12: models.providers.mine.base_url: plain http beyond this machine shows key and messages to the network; use https");
}
