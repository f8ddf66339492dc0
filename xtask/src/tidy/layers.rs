//! A crate depends only on lower layers; sideways only where an arrow stands in `ARCHITECTURE.md`.

use std::collections::BTreeMap;

use anyhow::Result;
use cargo_metadata::MetadataCommand;

use crate::sh::root;

/// The layer of each crate.
const LAYERS: [(&str, u8); 19] = [
    ("openclaw-errors", 0),
    ("openclaw-core", 0),
    ("openclaw-protocol", 0),
    ("openclaw-config", 1),
    ("openclaw-testkit", 1),
    ("openclaw-storage", 2),
    ("openclaw-media", 2),
    ("openclaw-channel-traits", 2),
    ("openclaw-tools", 3),
    ("openclaw-routing", 3),
    ("openclaw-sessions", 3),
    ("openclaw-agents", 4),
    ("openclaw-channel-web", 4),
    ("openclaw-channel-telegram", 4),
    ("openclaw-gateway", 5),
    ("openclaw-client", 5),
    ("openclaw-cli", 6),
    ("openclaw-benches", 6),
    ("xtask", 6),
];

/// Who may use whom within a layer.
const SIDEWAYS: [(&str, &str); 5] = [
    ("openclaw-core", "openclaw-errors"),
    ("openclaw-protocol", "openclaw-core"),
    ("openclaw-protocol", "openclaw-errors"),
    ("openclaw-channel-traits", "openclaw-media"),
    ("openclaw-sessions", "openclaw-routing"),
];

/// A channel sees only the seam, which re-exports what it needs, and the vocabulary.
const CHANNEL_MAY_USE: [&str; 2] = ["openclaw-core", "openclaw-channel-traits"];

pub(super) fn check() -> Result<Vec<String>> {
    let metadata = MetadataCommand::new()
        .manifest_path(root().join("Cargo.toml"))
        .no_deps()
        .other_options(vec!["--offline".to_owned(), "--locked".to_owned()])
        .exec()?;
    let layers: BTreeMap<&str, u8> = LAYERS.into_iter().collect();
    let mut findings = Vec::new();
    for package in &metadata.packages {
        let name = package.name.as_str();
        let Some(layer) = layers.get(name) else {
            findings.push(format!(
                "{name} has no layer; add it to ARCHITECTURE.md and xtask/src/tidy/layers.rs"
            ));
            continue;
        };
        for dependency in &package.dependencies {
            let used = dependency.name.as_str();
            let is_dev = dependency.kind == cargo_metadata::DependencyKind::Development;
            let Some(used_layer) = layers.get(used) else { continue };
            let is_testkit = used == "openclaw-testkit" && is_dev;
            let allowed = used == name
                || is_testkit
                || (used_layer < layer && used != "openclaw-testkit")
                || SIDEWAYS.contains(&(name, used));
            if !allowed {
                findings
                    .push(format!("{name} (L{layer}) must not depend on {used} (L{used_layer})"));
            }
            let is_channel =
                name.starts_with("openclaw-channel-") && name != "openclaw-channel-traits";
            if is_channel && !is_dev && !CHANNEL_MAY_USE.contains(&used) {
                findings.push(format!("{name} is a channel and must not depend on {used}"));
            }
            if name == "xtask" {
                findings.push(format!("xtask must not depend on {used}"));
            }
        }
    }
    Ok(findings)
}
