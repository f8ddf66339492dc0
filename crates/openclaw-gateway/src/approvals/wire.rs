use openclaw_protocol::event::{ApprovalOutcome, ApprovalResolvedEvent};
use openclaw_protocol::methods::{AllowedCommand, Approval, PlannedCommand, PlannedFile};
use openclaw_tools::approvals::{Allowed, ApprovalRequest, Resolution, Verdict};
use openclaw_tools::commands::{CommandPlan, Shape};

pub(crate) fn approval(request: &ApprovalRequest) -> Approval {
    Approval {
        id: request.id.clone(),
        agent_id: request.agent_id.clone(),
        session_key: request.session_key.clone(),
        run_id: request.run_id.clone(),
        reason: request.reason.clone(),
        digest: request.digest.clone(),
        command: planned(&request.plan),
        created_at: request.created_at,
        expires_at: request.expires_at,
    }
}

pub(crate) fn allowed_command(key: String, allowed: Allowed) -> AllowedCommand {
    let Allowed { agent_id, shape, by, at } = allowed;
    let Shape { argv, shell, cwd, env, files, sandboxed, hosts, paths, image } = shape;
    let plan = CommandPlan { argv, shell, cwd, env, files, sandboxed, hosts, paths, image };
    AllowedCommand { key, agent_id, command: planned(&plan), by, at }
}

pub(super) fn resolved(
    request: &ApprovalRequest,
    resolution: &Resolution,
) -> ApprovalResolvedEvent {
    let (outcome, by) = match resolution {
        Resolution::Answered { verdict, by } => {
            let outcome = match verdict {
                Verdict::AllowOnce => ApprovalOutcome::AllowOnce,
                Verdict::AllowAlways => ApprovalOutcome::AllowAlways,
                Verdict::Deny => ApprovalOutcome::Deny,
            };
            (outcome, Some(by.clone()))
        }
        Resolution::Expired => (ApprovalOutcome::Expired, None),
        Resolution::Withdrawn => (ApprovalOutcome::Withdrawn, None),
    };
    ApprovalResolvedEvent { id: request.id.clone(), outcome, by }
}

fn planned(plan: &CommandPlan) -> PlannedCommand {
    let files = plan
        .files
        .iter()
        .map(|file| PlannedFile { path: file.path.clone(), sha256: file.sha256.clone() });
    PlannedCommand {
        command: plan.shown(),
        argv: plan.argv.clone(),
        shell: plan.shell,
        cwd: plan.cwd.clone(),
        env: plan.env.iter().map(|(name, value)| format!("{name}={value}")).collect(),
        files: files.collect(),
        sandboxed: plan.sandboxed,
        hosts: plan.hosts.clone(),
        paths: plan.paths.clone(),
    }
}
