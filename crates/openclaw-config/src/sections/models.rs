use openclaw_core::Secret;
use url::{Host, Url};

use super::limits::micros;
use crate::models::{AliasSection, ModelsSection};

use crate::providers::is_well_known;
use crate::{ModelPrices, ModelSettings, Place, ProviderApi, Spanned, TableReader};

const APIS: [(&str, ProviderApi); 5] = [
    (api_name(ProviderApi::OpenAiChat), ProviderApi::OpenAiChat),
    (api_name(ProviderApi::OpenAiResponses), ProviderApi::OpenAiResponses),
    (api_name(ProviderApi::AnthropicMessages), ProviderApi::AnthropicMessages),
    (api_name(ProviderApi::Gemini), ProviderApi::Gemini),
    (api_name(ProviderApi::Ollama), ProviderApi::Ollama),
];

/// The name of a wire in the file.
pub(crate) const fn api_name(api: ProviderApi) -> &'static str {
    match api {
        ProviderApi::OpenAiChat => "openai-chat",
        ProviderApi::OpenAiResponses => "openai-responses",
        ProviderApi::AnthropicMessages => "anthropic-messages",
        ProviderApi::Gemini => "gemini",
        ProviderApi::Ollama => "ollama",
    }
}

/// One of `[models.providers.<name>]`.
pub(crate) struct ProviderSection {
    pub(crate) name: String,
    pub(crate) place: Option<Place>,
    pub(crate) api: Option<ProviderApi>,
    pub(crate) base_url: Option<String>,
    pub(crate) api_key: Option<Secret>,
    pub(crate) api_keys: Vec<Secret>,
    pub(crate) models: Vec<(String, ModelSettings)>,
}

pub(super) fn read_models(reader: &mut TableReader<'_>) -> ModelsSection {
    let providers = reader.map(
        "providers",
        "Providers of models by name, the part of a model before the slash. Without any, they are found in the environment.",
        read_provider,
    );
    let aliases = reader.named_strings(
        "aliases",
        "Short names of models: wherever a model is named, such a name stands for its provider/model.",
    );
    let mut checked = AliasSection::new();
    for (name, model) in aliases {
        if is_name(&name) {
            checked.insert(name, model);
        } else {
            let message = "an alias is made of letters, digits, _, - and .";
            reader.issue("aliases", message);
        }
    }
    ModelsSection { providers: providers.into_values().collect(), aliases: checked }
}

/// Whether it may name a provider or stand for a model.
fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte))
}

fn read_provider(name: &str, reader: &mut TableReader<'_>) -> ProviderSection {
    if !is_name(name) {
        reader.issue_here("a provider's name is made of letters, digits, _, - and .");
    }
    let api = reader
        .choice(
            "api",
            "The wire that the provider speaks; known for the well-known providers.",
            &APIS,
        )
        .optional();
    let base_url = reader
        .string(
            "base_url",
            "The root of the API, for OpenAI with /v1; known for the well-known providers.",
        )
        .parse(read_base_url)
        .spanned()
        .optional();
    let base_url = base_url.map(|Spanned { value: (url, carries_key_in_the_clear), .. }| {
        if carries_key_in_the_clear {
            reader.warn(
                "base_url",
                "plain http beyond this machine shows key and messages to the network; use https",
            );
        }
        url
    });
    let api_key = reader.secret("api_key", "The key; absent where the server asks for none.");
    let api_keys = reader.secrets(
        "api_keys",
        "Several keys: a session keeps to one, and when it fails the next one is taken before another model is.",
    );
    let models = reader.map(
        "models",
        "What is known of single models better than by the built-in catalog.",
        |_, reader| read_model(reader),
    );
    if !is_well_known(name) {
        require(
            reader,
            "api",
            "one of openai-chat, openai-responses, anthropic-messages, gemini, ollama",
        );
        require(reader, "base_url", "the root of the API, such as \"https://api.example.org/v1\"");
    }
    ProviderSection {
        name: name.to_owned(),
        place: reader.table_place(),
        api,
        base_url,
        api_key,
        api_keys,
        models: models.into_iter().collect(),
    }
}

fn read_model(reader: &mut TableReader<'_>) -> ModelSettings {
    ModelSettings {
        cost: reader.optional_table(
            "cost",
            "Prices in US dollars per million tokens.",
            read_prices,
        ),
        context_window: reader
            .integer(
                "context_window",
                "Tokens it reads and writes in one request.",
                1_024..=100_000_000,
            )
            .optional(),
        max_output_tokens: reader
            .integer("max_output_tokens", "The most tokens of an answer.", 1..=10_000_000)
            .optional(),
        images: reader.boolean("images", "Whether it sees images.").optional(),
    }
}

fn read_prices(reader: &mut TableReader<'_>) -> ModelPrices {
    let mut price = |name, description| {
        reader.number(name, description, 0.0..=100_000.0).parse(|usd| Ok(micros(usd))).optional()
    };
    let input = price("input", "Input that is not cached.").unwrap_or_default();
    let output = price("output", "Output, thinking included.").unwrap_or_default();
    let cache_read = price("cache_read", "Input read from the cache; default as other input.");
    let cache_write = price("cache_write", "Input written to the cache; default as other input.");
    ModelPrices {
        input,
        output,
        cache_read: cache_read.unwrap_or(input),
        cache_write: cache_write.unwrap_or(input),
    }
}

fn require(reader: &mut TableReader<'_>, name: &str, hint: &str) {
    if !reader.is_set(name) {
        reader.issue_with_hint(name, "is missing", hint);
    }
}

/// Reads the root of an API. The flag says that it is plain HTTP to another machine.
pub(super) fn read_base_url(text: String) -> Result<(String, bool), String> {
    let url = Url::parse(&text)
        .map_err(|_| "must be a URL such as \"https://api.example.org/v1\"".to_owned())?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("must begin with https:// or http://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("must not hold a user or password; use api_key".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("must not have a query or fragment".to_owned());
    }
    let in_the_clear = url.scheme() == "http" && !is_loopback(&url);
    Ok((text.trim_end_matches('/').to_owned(), in_the_clear))
}

pub(super) fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
