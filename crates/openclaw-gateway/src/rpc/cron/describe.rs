use openclaw_agents::schedule::{
    CatchUp, DeliveryMode, Job, Payload, RunResult, Schedule, Target, WakeAt,
};
use openclaw_protocol::methods::{
    CronCatchUp, CronDelivery, CronDeliveryMode, CronJob, CronJobState, CronPayload, CronSchedule,
    CronTarget, CronWake,
};

/// A job as clients see it.
pub(crate) fn describe(job: &Job) -> CronJob {
    let (spec, state) = (&job.spec, &job.state);
    CronJob {
        id: job.id.clone(),
        name: spec.name.clone(),
        description: spec.description.clone(),
        agent_id: job.agent_id.clone(),
        enabled: spec.enabled,
        delete_after_run: spec.delete_after_run,
        schedule: match spec.schedule.clone() {
            Schedule::At { at } => CronSchedule::At { at },
            Schedule::Every { every_ms, anchor } => {
                CronSchedule::Every { every_ms, anchor: Some(anchor) }
            }
            Schedule::Cron { expr, tz, stagger_ms } => {
                CronSchedule::Cron { expr, tz, stagger_ms: Some(stagger_ms).filter(|ms| *ms > 0) }
            }
        },
        session_target: match spec.target {
            Target::Main => CronTarget::Main,
            Target::Isolated => CronTarget::Isolated,
        },
        wake_mode: match spec.wake {
            WakeAt::Now => CronWake::Now,
            WakeAt::NextHeartbeat => CronWake::NextHeartbeat,
        },
        payload: match spec.payload.clone() {
            Payload::SystemEvent { text } => CronPayload::SystemEvent { text },
            Payload::AgentTurn { message, model, thinking, timeout_seconds } => {
                CronPayload::AgentTurn { message, model, thinking, timeout_seconds }
            }
        },
        delivery: CronDelivery {
            mode: Some(match spec.delivery.mode {
                DeliveryMode::None => CronDeliveryMode::None,
                DeliveryMode::Announce => CronDeliveryMode::Announce,
                DeliveryMode::Webhook => CronDeliveryMode::Webhook,
            }),
            channel: spec.delivery.channel.clone(),
            to: spec.delivery.to.clone(),
            best_effort: Some(spec.delivery.best_effort).filter(|best_effort| *best_effort),
        },
        catch_up: match spec.catch_up {
            CatchUp::Skip => CronCatchUp::Skip,
            CatchUp::Once => CronCatchUp::Once,
            CatchUp::All => CronCatchUp::All,
        },
        made_in: spec.origin.as_ref().map(|origin| origin.session_key.clone()),
        state: CronJobState {
            next_run_at: job.due_at,
            is_running: state.running.is_some(),
            last_run_at: state.last_run_at,
            last_status: state.last_result.map(|result| {
                let word = match result {
                    RunResult::Ok => "ok",
                    RunResult::Error => "error",
                    RunResult::Skipped => "skipped",
                };
                word.to_owned()
            }),
            last_error: state.last_error.clone(),
            last_duration_ms: state.last_duration_ms,
            consecutive_errors: state.consecutive_errors,
            disabled_reason: state.disabled_reason.clone(),
        },
        created_at: job.created_at,
        updated_at: job.updated_at,
    }
}
