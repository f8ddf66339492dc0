use openclaw_config::{AgentSettings, Config};
use openclaw_core::{SandboxMode, Session};
use openclaw_tools::ToolPolicy;
use openclaw_tools::commands::CommandRules;

/// What no subagent may call.
const NEVER: [&str; 6] =
    ["sessions_list", "sessions_history", "sessions_send", "cron", "gateway", "message"];

/// What one may call only where it may have subagents itself.
const AS_PARENT: [&str; 4] = ["sessions_spawn", "subagents", "agents_list", "session_status"];

/// How commands of a session run: by its agent's rules and, for a subagent, by those of every session
/// above it.
pub fn command_rules(config: &Config, agent: &AgentSettings, session: &Session) -> CommandRules {
    let own = CommandRules::new(config, agent, session.config.sandbox_mode, &session.session_key);
    let Some(spawned) = &session.context.spawned else { return own };
    spawned.within.iter().fold(own, |rules, bound| {
        let above = match config.agent(&bound.session_key.agent_id()) {
            Some(agent) => {
                let mode = bound.sandboxed.then_some(SandboxMode::Always);
                CommandRules::new(config, agent, mode, &bound.session_key)
            }
            // What an agent was allowed that is gone is not known.
            None => CommandRules::default(),
        };
        rules.within(&above)
    })
}

/// A policy with what a subagent may not call taken away; that of any other session as it is.
pub fn restrict(policy: ToolPolicy, config: &Config, session: &Session) -> ToolPolicy {
    let Some(spawned) = &session.context.spawned else { return policy };
    let mut denied: Vec<String> = NEVER.iter().map(|name| (*name).to_owned()).collect();
    if spawned.depth >= config.subagents.max_depth {
        denied.extend(AS_PARENT.iter().map(|name| (*name).to_owned()));
    }
    let policy = policy.and("subagents", &["*".to_owned()], &denied);
    spawned.within.iter().fold(policy, |policy, bound| {
        match config.agent(&bound.session_key.agent_id()) {
            Some(agent) => match &agent.tools {
                Some(tools) => policy.and("the parent's agent", &tools.allow, &tools.deny),
                None => policy,
            },
            None => policy.and("an agent that is gone", &[], &[]),
        }
    })
}

#[cfg(test)]
mod tests {
    use openclaw_config::ExecAsk;
    use openclaw_tools::commands::CommandRules;
    use openclaw_tools::sandbox::{GrantedPath, Limits};
    use proptest::prelude::*;
    use std::time::Duration;

    fn rules() -> impl Strategy<Value = CommandRules> {
        let ask = prop_oneof![Just(ExecAsk::Off), Just(ExecAsk::OnMiss), Just(ExecAsk::Always)];
        let hosts = prop::collection::vec("[a-c]\\.test", 0..3);
        let paths = prop::collection::vec(("/[a-c]", any::<bool>()), 0..3);
        (any::<bool>(), 1_u64..9, ask, hosts, paths, 1_u32..9).prop_map(
            |(sandboxed, seconds, ask, hosts, paths, many)| CommandRules {
                sandboxed,
                timeout: Duration::from_secs(seconds),
                ask,
                // Outside the sandbox everything is there and nothing is granted.
                hosts: if sandboxed { hosts } else { Vec::new() },
                paths: paths
                    .into_iter()
                    .filter(|_| sandboxed)
                    .map(|(path, writable)| GrantedPath { path: path.into(), writable })
                    .collect(),
                hidden: Vec::new(),
                limits: Limits {
                    memory_bytes: u64::from(many),
                    processes: many,
                    cpus: many,
                    ..Limits::default()
                },
                ..CommandRules::default()
            },
        )
    }

    /// Whether whoever runs under `child` can do nothing that `parent` forbids.
    fn is_no_looser(child: &CommandRules, parent: &CommandRules) -> bool {
        let reaches = |host: &String| !parent.sandboxed || parent.hosts.contains(host);
        let shows = |granted: &GrantedPath| {
            !parent.sandboxed
                || parent.paths.iter().any(|other| {
                    other.path == granted.path && (other.writable || !granted.writable)
                })
        };
        (child.sandboxed || !parent.sandboxed)
            && child.hosts.iter().all(reaches)
            && child.paths.iter().all(shows)
            && child.timeout <= parent.timeout
            && child.ask as u8 >= parent.ask as u8
            && child.limits.memory_bytes <= parent.limits.memory_bytes
            && child.limits.processes <= parent.limits.processes
            && child.limits.cpus <= parent.limits.cpus
    }

    proptest! {
        #[test]
        fn security_32_a_subagent_is_never_less_sandboxed_than_those_above_it(
            own in rules(), parent in rules(), above in rules(),
        ) {
            let rules = own.clone().within(&parent).within(&above);
            prop_assert!(is_no_looser(&rules, &parent), "{rules:?}");
            prop_assert!(is_no_looser(&rules, &above), "{rules:?}");
            prop_assert!(is_no_looser(&rules, &own), "{rules:?}");
        }
    }
}
