use openclaw_client::ClientError;
use openclaw_protocol::methods::CronListResult;

use super::{Report, Severity};
use crate::output::harmless;

/// Names the jobs that fail or were switched off for failing.
pub(super) fn look(listed: Result<CronListResult, ClientError>, report: &mut Report) {
    let listed = match listed {
        Ok(listed) => listed,
        Err(error) => return report.add(Severity::Error, "jobs", error.to_string()),
    };
    let mut failing = 0;
    for job in &listed.jobs {
        let state = &job.state;
        let reason = match (&state.disabled_reason, state.consecutive_errors) {
            (Some(reason), _) => format!("was switched off: {reason}"),
            (None, 0) => continue,
            (None, times) => format!("failed {times} time(s) in a row"),
        };
        failing += 1;
        let why = state.last_error.as_ref().map(|error| format!(": {error}")).unwrap_or_default();
        let told = harmless(&format!("{:?} {reason}{why}", job.name));
        let hint = format!("`openclaw cron runs --id {}` shows its runs", job.id);
        report.add_with_hint(Severity::Warning, "jobs", told, hint);
    }
    if failing == 0 && !listed.jobs.is_empty() {
        report.add(Severity::Ok, "jobs", format!("{} jobs, none fails", listed.jobs.len()));
    }
}
