//! Which tools may be called: layers of allow and deny lists, each of which must agree.

mod group;
mod rule;

use openclaw_config::ToolSettings;

use self::rule::{Entry, Rules};
use crate::canonical_tool_name;

/// What a session may call. Compiled once per configuration; cheap to ask.
///
/// Within a layer deny wins and what is not allowed is denied, so an empty allow list allows
/// nothing. All layers must allow. An entry of a deny list that cannot be read denies everything,
/// since what it was meant to deny is not known; one of an allow list allows nothing.
#[derive(Debug, Clone)]
pub struct ToolPolicy {
    layers: Vec<Layer>,
}

#[derive(Debug, Clone)]
struct Layer {
    name: String,
    allow: Rules,
    deny: Rules,
}

/// Whether a tool may be called, and which rule says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may.
    pub allowed: bool,
    /// The rule, such as `deny = "group:fs" of tools`.
    pub reason: String,
}

impl ToolPolicy {
    /// The policy of `[tools]`, and of the agent's own `tools` where it has some.
    pub fn new(settings: &ToolSettings, agent: Option<&ToolSettings>) -> Self {
        let policy = Self { layers: Vec::new() }.and("tools", &settings.allow, &settings.deny);
        match agent {
            Some(agent) => policy.and("the agent's tools", &agent.allow, &agent.deny),
            None => policy,
        }
    }

    /// Everything is allowed.
    pub fn allow_all() -> Self {
        Self { layers: Vec::new() }
    }

    /// Nothing is allowed; `reason` says whose doing that is, such as `the session's settings`.
    pub fn deny_all(reason: impl Into<String>) -> Self {
        Self::allow_all().and(reason, &[], &["*".to_owned()])
    }

    /// Adds a layer that must allow as well; it can only take away.
    #[must_use]
    pub fn and(mut self, name: impl Into<String>, allow: &[String], deny: &[String]) -> Self {
        let (allow, deny) = (Rules::compile(allow), Rules::compile(deny));
        self.layers.push(Layer { name: name.into(), allow, deny });
        self
    }

    /// Whether a tool may be called, and which rule says so. Other names of tools are understood.
    pub fn explain(&self, name: &str) -> Decision {
        self.decide(&canonical_tool_name(name))
    }

    /// The entries that cannot be read, each with its layer and what is wrong.
    pub fn problems(&self) -> Vec<String> {
        let broken = |layer: &Layer, key: &str, rules: &Rules| -> Vec<String> {
            let name = &layer.name;
            rules
                .broken()
                .map(|(text, problem)| format!("{key} = {text:?} of {name}: {problem}"))
                .collect()
        };
        self.layers
            .iter()
            .flat_map(|layer| {
                [broken(layer, "allow", &layer.allow), broken(layer, "deny", &layer.deny)].concat()
            })
            .collect()
    }

    pub(crate) fn decide(&self, name: &str) -> Decision {
        let mut reason = "no rule restricts it".to_owned();
        for layer in &self.layers {
            let owner = &layer.name;
            let denied = layer.deny.find(|entry| entry.is_broken() || entry.matches(name));
            if let Some(entry) = denied {
                let note = if entry.is_broken() { ", which cannot be read" } else { "" };
                let reason = format!("deny = {:?} of {owner}{note}", entry.text());
                return Decision { allowed: false, reason };
            }
            match layer.allow.find(|entry| entry.matches(name)) {
                Some(entry) => reason = format!("allow = {:?} of {owner}", entry.text()),
                None => {
                    let reason = format!("allow of {owner} does not name it");
                    return Decision { allowed: false, reason };
                }
            }
        }
        Decision { allowed: true, reason }
    }
}

impl Rules {
    fn broken(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries().iter().filter_map(Entry::problem)
    }
}
