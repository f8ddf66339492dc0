//! Which tools may be called: layers of allow and deny lists, each of which must agree.

mod group;
mod rule;

use openclaw_config::{ToolRules, ToolSettings};

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

/// Who asks, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker<'a> {
    /// The channel account, such as `telegram` or `telegram/work`.
    pub channel: &'a str,
    /// The service's id of the person; `None` for what the owner's own programs ask.
    pub sender: Option<&'a str>,
}

impl<'a> Asker<'a> {
    fn kind(&self) -> &'a str {
        self.channel.split('/').next().unwrap_or(self.channel)
    }

    fn channel_rules<'s>(&self, settings: &'s ToolSettings) -> Option<(&'a str, &'s ToolRules)> {
        let kind = self.kind();
        settings.by_channel.get(kind).map(|rules| (kind, rules))
    }

    /// A person may be named by account or by kind of channel; both count.
    fn sender_rules<'s>(&self, settings: &'s ToolSettings) -> Vec<(String, &'s ToolRules)> {
        let Some(sender) = self.sender else { return Vec::new() };
        let mut names = vec![format!("{}:{sender}", self.channel)];
        if self.kind() != self.channel {
            names.push(format!("{}:{sender}", self.kind()));
        }
        let mut found: Vec<_> = names
            .into_iter()
            .filter_map(|name| Some((name.clone(), settings.by_sender.get(&name)?)))
            .collect();
        if found.is_empty() {
            found.extend(settings.by_sender.get("*").map(|rules| ("*".to_owned(), rules)));
        }
        found
    }
}

/// Whether a tool may be called, and which rule says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Whether it may.
    pub allowed: bool,
    /// The rule, such as `deny = "group:fs" of tools`.
    pub reason: String,
    /// For what is denied: where it would be allowed, or what would have to change.
    pub elsewhere: String,
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

    /// The policy where these ask: that of [`Self::new`], and of the channel and the person of
    /// every one of them, in the gateway's settings and the agent's own.
    pub fn asked_by(
        settings: &ToolSettings,
        agent: Option<&ToolSettings>,
        askers: &[Asker<'_>],
    ) -> Self {
        let mut policy = Self::new(settings, agent);
        let shared = std::iter::once((settings, "tools"));
        for (own, name) in shared.chain(agent.map(|agent| (agent, "the agent's tools"))) {
            for asker in askers {
                if let Some((kind, rules)) = asker.channel_rules(own) {
                    policy = policy.and_once(format!("{name}.by_channel.{kind}"), rules);
                }
                for (sender, rules) in asker.sender_rules(own) {
                    policy = policy.and_once(format!("{name}.by_sender.{sender:?}"), rules);
                }
            }
        }
        policy
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

    fn and_once(self, name: String, rules: &ToolRules) -> Self {
        if self.layers.iter().any(|layer| layer.name == name) {
            return self;
        }
        self.and(name, &rules.allow, &rules.deny)
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
                return Decision { allowed: false, reason, elsewhere: elsewhere(owner) };
            }
            match layer.allow.find(|entry| entry.matches(name)) {
                Some(entry) => reason = format!("allow = {:?} of {owner}", entry.text()),
                None => {
                    let reason = format!("allow of {owner} does not name it");
                    return Decision { allowed: false, reason, elsewhere: elsewhere(owner) };
                }
            }
        }
        Decision { allowed: true, reason, elsewhere: String::new() }
    }
}

/// Where the tool is not under this layer's rules.
fn elsewhere(layer: &str) -> String {
    let text = if layer.contains(".by_channel.") {
        "other channels do not have this rule"
    } else if layer.contains(".by_sender.") {
        "the rule is for who asks; others may be allowed"
    } else if layer.starts_with("memory.who") {
        "it is there when the owner asks, who is named in session.owners"
    } else if layer == "the agent's tools" {
        "other agents do not have this rule"
    } else if layer == "the owner's tools" {
        "only the owner may, in a direct chat"
    } else if layer == "subagents" {
        "sessions that are no subagents may"
    } else if layer == "tools" {
        "it holds everywhere; the owner can change tools.allow and tools.deny"
    } else {
        "other sessions may allow it"
    };
    text.to_owned()
}

impl Rules {
    fn broken(&self) -> impl Iterator<Item = (&str, &str)> {
        self.entries().iter().filter_map(Entry::problem)
    }
}

#[cfg(test)]
mod tests {
    use super::{Asker, ToolPolicy};
    use openclaw_config::{ToolRules, ToolSettings};
    use proptest::prelude::*;

    fn settings(allow: &[&str], deny: &[&str]) -> ToolSettings {
        let own = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        ToolSettings { allow: own(allow), deny: own(deny), ..ToolSettings::default() }
    }

    #[test]
    fn rules_decide_and_are_named() {
        for (allow, deny, tool, allowed, reason) in [
            (&["*"][..], &[][..], "read", true, r#"allow = "*" of tools"#),
            (&["group:fs"], &[], "search", true, r#"allow = "group:fs" of tools"#),
            (&["group:fs"], &[], "bash", false, "allow of tools does not name it"),
            (&["group:FS"], &["write"], "write", false, r#"deny = "write" of tools"#),
            (&["read", "web_*"], &[], "web_fetch", true, r#"allow = "web_*" of tools"#),
            (&[" Read "], &[], "read", true, r#"allow = " Read " of tools"#),
            (&["*"], &["exec"], "bash", false, r#"deny = "exec" of tools"#),
            (&["exec"], &[], "bash", true, r#"allow = "exec" of tools"#),
            (&["*"], &["exec"], "exec", false, r#"deny = "exec" of tools"#),
            (&[], &[], "read", false, "allow of tools does not name it"),
            (&["*"], &["{"], "read", false, r#"deny = "{" of tools, which cannot be read"#),
            (&["*"], &[""], "read", false, r#"deny = "" of tools, which cannot be read"#),
            (&["["], &[], "read", false, "allow of tools does not name it"),
        ] {
            let decision = ToolPolicy::new(&settings(allow, deny), None).explain(tool);
            let found = (decision.allowed, decision.reason.as_str());
            assert_eq!(found, (allowed, reason), "{allow:?} {deny:?} {tool}");
        }
    }

    #[test]
    fn an_agent_can_only_take_away() {
        let global = settings(&["group:fs"], &["write"]);
        let policy = ToolPolicy::new(&global, Some(&settings(&["*"], &["edit"])));
        let allowed: Vec<&str> = ["read", "write", "edit", "list", "bash"]
            .into_iter()
            .filter(|tool| policy.explain(tool).allowed)
            .collect();
        assert_eq!(allowed, ["read", "list"]);
        assert_eq!(policy.explain("edit").reason, r#"deny = "edit" of the agent's tools"#);
        assert_eq!(policy.explain("read").reason, r#"allow = "*" of the agent's tools"#);
    }

    #[test]
    fn channels_and_senders_can_only_take_away() {
        let mut global = settings(&["*"], &["cron"]);
        let rules = |allow: &[&str], deny: &[&str]| {
            let ToolSettings { allow, deny, .. } = settings(allow, deny);
            ToolRules { allow, deny }
        };
        global.by_channel.insert("telegram".to_owned(), rules(&["*"], &["group:runtime"]));
        global.by_sender.insert("telegram:7".to_owned(), rules(&["read", "bash"], &[]));
        global.by_sender.insert("*".to_owned(), rules(&[], &[]));
        let agent = settings(&["*"], &["write"]);
        let allowed = |askers: &[(&str, Option<&str>)]| {
            let askers: Vec<Asker<'_>> =
                askers.iter().map(|&(channel, sender)| Asker { channel, sender }).collect();
            let policy = ToolPolicy::asked_by(&global, Some(&agent), &askers);
            let tools = ["read", "write", "bash", "cron"];
            tools.into_iter().filter(|tool| policy.explain(tool).allowed).collect::<Vec<_>>()
        };
        assert_eq!(allowed(&[]), ["read", "bash"]);
        assert_eq!(allowed(&[("web", None)]), ["read", "bash"]);
        assert_eq!(allowed(&[("telegram", None)]), ["read"]);
        assert_eq!(allowed(&[("telegram/work", Some("7"))]), ["read"]);
        assert_eq!(allowed(&[("telegram", Some("8"))]), [""; 0]);
        // One who may not, or one channel that may not, is enough.
        assert_eq!(allowed(&[("telegram", Some("7")), ("telegram", Some("8"))]), [""; 0]);
        assert_eq!(allowed(&[("web", None), ("telegram", Some("7"))]), ["read"]);
        let asker = Asker { channel: "telegram", sender: Some("7") };
        let decision = ToolPolicy::asked_by(&global, None, &[asker]).explain("exec");
        assert_eq!(decision.reason, r#"deny = "group:runtime" of tools.by_channel.telegram"#);
        assert_eq!(decision.elsewhere, "other channels do not have this rule");
    }

    #[test]
    fn broken_entries_are_told() {
        let policy = ToolPolicy::new(&settings(&["group:toys"], &["*"]), None);
        let expected = "allow = \"group:toys\" of tools: there is no such group; there are runtime, fs, sessions, \
            memory, web, ui, automation, messaging, nodes, openclaw";
        assert_eq!(policy.problems(), [expected]);
    }

    proptest! {
        #[test]
        fn more_deny_entries_and_layers_never_allow_more(
            allow in prop::collection::vec("[a-z*?\\[{:]{0,6}|\\*|read|group:fs", 0..4),
            deny in prop::collection::vec("[a-z*?\\[{:]{0,6}|read|group:fs|group:x", 0..4),
            more in "[a-z*?\\[{:]{0,6}|read|\\*|group:fs",
        ) {
            let policy = ToolPolicy::allow_all().and("one", &allow, &deny);
            let denied_more = [deny.clone(), vec![more.clone()]].concat();
            let stricter = ToolPolicy::allow_all().and("one", &allow, &denied_more);
            let layered = policy.clone().and("two", &[more], &[]);
            for tool in ["read", "write", "bash", "exec"] {
                if !policy.explain(tool).allowed {
                    prop_assert!(!stricter.explain(tool).allowed);
                    prop_assert!(!layered.explain(tool).allowed);
                }
            }
        }
    }
}
