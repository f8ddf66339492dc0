use openclaw_config::Config;
use openclaw_core::{IdGen as _, SandboxMode, SessionKey, SystemIds};
use openclaw_tools::commands::CommandRules;
use openclaw_tools::sandbox::{Room, Sandbox};
use tokio_util::task::TaskTracker;

use super::{Report, Severity};
use crate::commands::client;
use crate::compose::engines;
use crate::context::Context;
use crate::exit::Failure;

const SUBJECT: &str = "sandbox";

/// Proves the sandbox of each agent by a program that tries to get out of it.
pub(super) fn look(context: &Context, config: &Config, report: &mut Report) {
    for agent in &config.agents {
        if agent.sandbox.mode == SandboxMode::Never {
            report.add_with_hint(
                Severity::Warning,
                SUBJECT,
                format!("agent {} runs commands on this machine without a sandbox", agent.id),
                "agents.sandbox.mode = \"always\" puts them in one",
            );
            continue;
        }
        let key = SessionKey::main(&agent.id);
        let rules = CommandRules::new(config, agent, Some(SandboxMode::Always), &key);
        let room = Room {
            workspace: agent.workspace.clone(),
            hidden: rules.hidden,
            paths: rules.paths,
            hosts: Vec::new(),
            credentials: Vec::new(),
            engine: rules.engine,
            docker: rules.docker,
            limits: rules.limits,
        };
        let checks = client(context, async {
            let tasks = TaskTracker::new();
            let engines = engines(
                &context.environment,
                None,
                &config.state_dir,
                ("doctor", SystemIds.new_id()),
                tasks.clone(),
            );
            let checks = engines.check(&room).await;
            tasks.close();
            tasks.wait().await;
            checks.map_err(|error| Failure::failed(error.to_string()))
        });
        match checks {
            Err(failure) => report.add_with_hint(
                Severity::Error,
                SUBJECT,
                format!("agent {}: {}", agent.id, failure.message),
                "commands are not run until it works; user namespaces must be allowed for this user",
            ),
            Ok(checks) => {
                let held = checks.iter().filter(|check| check.holds).count();
                report.add(
                    Severity::Ok,
                    SUBJECT,
                    format!("agent {}: {held} of {} walls and limits hold, shown by a probe", agent.id, checks.len()),
                );
                for check in checks.iter().filter(|check| !check.holds) {
                    report.add(
                        Severity::Warning,
                        SUBJECT,
                        format!("agent {}: cannot hold \"{}\": {}", agent.id, check.what, check.detail),
                    );
                }
            }
        }
    }
}
