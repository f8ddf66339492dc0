use std::collections::BTreeSet;
use std::path::PathBuf;

use openclaw_config::Config;
use serde_json::{Map, Value};

/// What of the host skills may require: programs and variables.
#[derive(Debug, Clone, Default)]
pub struct SkillHost {
    path: Vec<PathBuf>,
    variables: BTreeSet<String>,
}

impl SkillHost {
    /// A host with these variables; programs are looked for in the folders of `PATH`.
    pub fn new<'v>(variables: impl IntoIterator<Item = (&'v str, &'v str)>) -> Self {
        let mut host = Self::default();
        for (name, value) in variables {
            if name == "PATH" {
                host.path = std::env::split_paths(value).collect();
            }
            if !value.is_empty() {
                host.variables.insert(name.to_owned());
            }
        }
        host
    }

    fn has_program(&self, name: &str) -> bool {
        let is_plain = !name.contains('/') && !name.is_empty();
        is_plain && self.path.iter().any(|folder| folder.join(name).is_file())
    }
}

/// What of a skill's requirements is missing, as words for people.
pub(super) fn missing(
    metadata: &Map<String, Value>,
    host: &SkillHost,
    config: &Config,
) -> Vec<String> {
    if metadata.get("always") == Some(&Value::Bool(true)) {
        return Vec::new();
    }
    let mut missing = Vec::new();
    let systems = texts(metadata.get("os"));
    let here = match std::env::consts::OS {
        "macos" => "darwin",
        "windows" => "win32",
        other => other,
    };
    if !systems.is_empty() && !systems.iter().any(|system| system == here) {
        missing.push(format!("runs on {} only", systems.join(", ")));
    }
    let requires = metadata.get("requires").and_then(Value::as_object);
    let of = |name: &str| texts(requires.and_then(|requires| requires.get(name)));
    for program in of("bins").iter().filter(|program| !host.has_program(program)) {
        missing.push(format!("needs the program {program}"));
    }
    let any = of("anyBins");
    if !any.is_empty() && !any.iter().any(|program| host.has_program(program)) {
        missing.push(format!("needs one of the programs {}", any.join(", ")));
    }
    for variable in of("env").iter().filter(|variable| !host.variables.contains(*variable)) {
        missing.push(format!("needs the variable {variable}"));
    }
    for key in of("config").iter().filter(|key| !is_configured(key, config)) {
        missing.push(format!("needs the setting {key}"));
    }
    missing
}

/// Whether a part of the configuration that a skill may ask for is there.
fn is_configured(key: &str, config: &Config) -> bool {
    let mut parts = key.split('.');
    match (parts.next(), parts.next()) {
        (Some("channels"), Some(kind)) => {
            config.channels.keys().any(|configured| configured.as_str() == kind)
        }
        (Some("models"), Some("providers")) => {
            parts.next().is_none_or(|name| config.providers.contains_key(name))
        }
        (Some("hooks"), Some("enabled")) => config.hooks.enabled,
        _ => false,
    }
}

fn texts(value: Option<&Value>) -> Vec<String> {
    match value {
        Some(Value::String(text)) => vec![text.clone()],
        Some(Value::Array(items)) => {
            items.iter().filter_map(|item| item.as_str().map(str::to_owned)).collect()
        }
        _ => Vec::new(),
    }
}
