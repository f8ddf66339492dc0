//! Whatever is in the file, loading ends in a configuration or in issues.

use openclaw_config::{ChannelTable, Environment, LoadRequest, validate_text};
use openclaw_core::ChannelKind;
use proptest::prelude::*;

use crate::support::{Channels, read_chat};

fn loads_or_explains(text: &str) -> Result<(), TestCaseError> {
    let environment = Environment::new([], "/nonexistent/home", "/nonexistent");
    match validate_text(&LoadRequest::new(&environment, &Channels), text) {
        Ok(loaded) => {
            prop_assert!(loaded.effective_toml().parse::<toml_edit::DocumentMut>().is_ok());
        }
        Err(errors) => {
            prop_assert!(!errors.0.is_empty());
            for issue in &errors.0 {
                prop_assert!(issue.place.is_some(), "{issue}");
                prop_assert!(!issue.message.is_empty());
            }
        }
    }
    Ok(())
}

fn any_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        any::<i64>().prop_map(|number| number.to_string()),
        any::<bool>().prop_map(|flag| flag.to_string()),
        Just("1.5".to_owned()),
        Just("nan".to_owned()),
        Just("1979-05-27".to_owned()),
        "[a-z/:.$ {}*-]{0,12}".prop_map(|text| format!("'{text}'")),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3)
                .prop_map(|items| format!("[{}]", items.join(", "))),
            proptest::collection::btree_map("[a-z_]{1,8}|env|file|token", inner, 0..3).prop_map(
                |map| {
                    let entries: Vec<String> =
                        map.into_iter().map(|(k, v)| format!("{k} = {v}")).collect();
                    format!("{{ {} }}", entries.join(", "))
                }
            ),
        ]
    })
}

const KEYS: &[&str] = &[
    "gateway.port",
    "gateway.bind_address",
    "gateway.allowed_hosts",
    "gateway.auth.token",
    "gateway.rate_limit.burst",
    "gateway.rate_limit.requests_per_second",
    "gateway.http.openai",
    "agents.model",
    "agents.fallbacks",
    "agents.workspace",
    "agents.sandbox",
    "agents.list",
    "models.providers",
    "models.providers.x.api",
    "models.providers.openai.base_url",
    "tools.allow",
    "tools.exec.ask",
    "session.reset",
    "session.reset.at",
    "session.owners",
    "session.identity_links",
    "routing.rules",
    "delivery.on_uncertain",
    "storage.backend",
    "storage.path",
    "channels",
    "channels.telegram",
    "channels.telegram.token",
    "channels.telegram.groups",
    "channels.telegram.accounts.x",
    "include",
    "other",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn any_text_loads_or_explains(text in ".{0,200}") {
        loads_or_explains(&text)?;
    }

    #[test]
    fn any_value_under_any_key_loads_or_explains(
        pairs in proptest::collection::btree_map(proptest::sample::select(KEYS), any_value(), 1..4)
    ) {
        let text: String = pairs.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        loads_or_explains(&text)?;
    }

    #[test]
    fn a_channel_table_reads_or_explains(
        pairs in proptest::collection::btree_map("token|token_file|groups|accounts|dm_policy|allow_from|[a-z]{1,5}", any_value(), 0..4)
    ) {
        let text: String = pairs.iter().map(|(key, value)| format!("{key} = {value}\n")).collect();
        let kind = ChannelKind::new("telegram").expect("kind");
        if let Ok(table) = ChannelTable::from_toml(kind, &text, &Environment::default())
            && let Err(issues) = table.read(read_chat)
        {
            prop_assert!(!issues.is_empty());
        }
    }
}
