use openclaw_core::Timestamp;
use serde_json::{Value, json};

use super::{DeliveryMode, Job, Payload, RunResult, Schedule, Target, WakeAt};

/// A job in the words of the TypeScript version, which its clients read and models know.
pub fn typescript_job(job: &Job) -> Value {
    let (spec, state) = (&job.spec, &job.state);
    let millis = |at: Option<Timestamp>| at.map(Timestamp::as_millis);
    let mut told = json!({
        "id": job.id,
        "agentId": job.agent_id,
        "name": spec.name,
        "description": spec.description,
        "enabled": spec.enabled,
        "deleteAfterRun": spec.delete_after_run.then_some(true),
        "createdAtMs": job.created_at.as_millis(),
        "updatedAtMs": job.updated_at.as_millis(),
        "schedule": match &spec.schedule {
            Schedule::At { at } => json!({ "kind": "at", "at": at }),
            Schedule::Every { every_ms, anchor } => {
                json!({ "kind": "every", "everyMs": every_ms, "anchorMs": anchor.as_millis() })
            }
            Schedule::Cron { expr, tz, stagger_ms } => {
                let stagger = Some(stagger_ms).filter(|ms| **ms > 0);
                without_nulls(
                    json!({ "kind": "cron", "expr": expr, "tz": tz, "staggerMs": stagger }),
                )
            }
        },
        "sessionTarget": match spec.target {
            Target::Main => "main",
            Target::Isolated => "isolated",
        },
        "wakeMode": match spec.wake {
            WakeAt::Now => "now",
            WakeAt::NextHeartbeat => "next-heartbeat",
        },
        "payload": match &spec.payload {
            Payload::SystemEvent { text } => json!({ "kind": "systemEvent", "text": text }),
            Payload::AgentTurn { message, model, thinking, timeout_seconds } => without_nulls(json!({
                "kind": "agentTurn", "message": message, "model": model, "thinking": thinking,
                "timeoutSeconds": timeout_seconds,
            })),
        },
        "delivery": (spec.target == Target::Isolated).then(|| without_nulls(json!({
            "mode": match spec.delivery.mode {
                DeliveryMode::None => "none",
                DeliveryMode::Announce => "announce",
                DeliveryMode::Webhook => "webhook",
            },
            "channel": spec.delivery.channel,
            "to": spec.delivery.to,
            "bestEffort": spec.delivery.best_effort.then_some(true),
        }))),
    });
    told["state"] = without_nulls(json!({
        "nextRunAtMs": millis(job.due_at),
        "runningAtMs": state.running.and(millis(state.last_run_at)),
        "lastRunAtMs": millis(state.last_run_at),
        "lastStatus": state.last_result.map(|result| match result {
            RunResult::Ok => "ok",
            RunResult::Error => "error",
            RunResult::Skipped => "skipped",
        }),
        "lastError": state.last_error,
        "lastDurationMs": state.last_duration_ms,
        "consecutiveErrors": Some(state.consecutive_errors).filter(|errors| *errors > 0),
    }));
    without_nulls(told)
}

/// These clients take a null for a value of the wrong type.
fn without_nulls(mut value: Value) -> Value {
    if let Some(object) = value.as_object_mut() {
        object.retain(|_, value| !value.is_null());
    }
    value
}
