use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use openclaw_core::Secret;

use super::{MAX_SECRET_BYTES, SecretError, text_of};
use crate::Environment;

const TIME_LIMIT: Duration = Duration::from_secs(10);
const EXIT_POLL: Duration = Duration::from_millis(5);

/// Runs a command without a shell and takes what it prints. Its standard error is not read: it may
/// hold secrets.
pub(super) fn run(command: &[String], environment: &Environment) -> Result<Secret, SecretError> {
    run_within(TIME_LIMIT, command, environment)
}

fn run_within(
    limit: Duration,
    command: &[String],
    environment: &Environment,
) -> Result<Secret, SecretError> {
    let (program, arguments) =
        command.split_first().ok_or_else(|| SecretError("the command is empty".to_owned()))?;
    let mut prepared = Command::new(program);
    prepared
        .args(arguments)
        .env_clear()
        .envs(environment.variables())
        .current_dir(environment.home())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    // Its own process group, so that what it started ends with it.
    #[cfg(unix)]
    std::os::unix::process::CommandExt::process_group(&mut prepared, 0);
    let mut child = prepared
        .spawn()
        .map_err(|error| SecretError(format!("{program} cannot be started: {error}")))?;
    let answer = output(&mut child, program, limit);
    end(&mut child);
    text_of(answer?, &format!("the output of {program}"))
}

fn output(child: &mut Child, program: &str, limit: Duration) -> Result<Vec<u8>, SecretError> {
    let stdout = child
        .stdout
        .take()
        .ok_or_else(|| SecretError(format!("{program} has no standard output")))?;
    // One answer is sent.
    let (sender, receiver) = sync_channel(1);
    thread::Builder::new()
        .name("secret-exec".to_owned())
        .spawn(move || {
            let mut bytes = Vec::new();
            let read = stdout.take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes);
            // Nobody waits any more when the time is over.
            drop(sender.send(read.map(|_| bytes)));
        })
        .map_err(|error| SecretError(format!("{program} cannot be read: {error}")))?;
    let overdue = || SecretError(format!("{program} took longer than {} s", limit.as_secs_f32()));
    let bytes = match receiver.recv_timeout(limit) {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(error)) => return Err(SecretError(format!("{program} cannot be read: {error}"))),
        Err(RecvTimeoutError::Timeout) => {
            // The command itself may have ended and left others that hold its output open.
            kill_group(child);
            return Err(overdue());
        }
        Err(RecvTimeoutError::Disconnected) => {
            return Err(SecretError(format!("{program} cannot be read")));
        }
    };
    if bytes.len() as u64 > MAX_SECRET_BYTES {
        return Ok(bytes);
    }
    let mut polls = limit.as_millis() / EXIT_POLL.as_millis();
    loop {
        match child.try_wait() {
            Ok(Some(status)) if status.success() => return Ok(bytes),
            Ok(Some(status)) => {
                return Err(SecretError(format!("{program} failed: {status}")));
            }
            Ok(None) if polls == 0 => return Err(overdue()),
            Ok(None) => {
                polls -= 1;
                thread::sleep(EXIT_POLL);
            }
            Err(error) => {
                return Err(SecretError(format!("{program} cannot be waited for: {error}")));
            }
        }
    }
}

/// Ends the command, with its group where there is one, and takes its status.
fn end(child: &mut Child) {
    if matches!(child.try_wait(), Ok(Some(_))) {
        return;
    }
    kill_group(child);
    if let Err(error) = child.kill().and_then(|()| child.wait().map(|_| ())) {
        tracing::warn!(%error, "a secret's command could not be ended");
    }
}

/// Kills all that the command started. Only for a command that was not waited for: its number may
/// otherwise belong to another.
#[cfg(unix)]
fn kill_group(child: &Child) {
    let group = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(group) = group
        && let Err(error) =
            rustix::process::kill_process_group(group, rustix::process::Signal::KILL)
    {
        tracing::debug!(%error, "the group of a secret's command was gone");
    }
}

#[cfg(not(unix))]
fn kill_group(_: &Child) {}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::run_within;
    use crate::Environment;

    #[test]
    fn a_command_that_does_not_end_is_ended() {
        let path = ("PATH".to_owned(), "/usr/bin:/bin".to_owned());
        let environment = Environment::new([path], "/", "/");
        for script in [
            "sleep 60",
            "sleep 60 &",
            "sleep 60 & sleep 60",
            "exec 1>&-; sleep 60",
            "yes >&2 & sleep 60",
        ] {
            let command = ["sh", "-c", script].map(str::to_owned);
            let error = run_within(Duration::from_millis(200), &command, &environment)
                .expect_err("no secret");
            assert_eq!(error.to_string(), "sh took longer than 0.2 s", "{script}");
        }
    }
}
