//! Starting a helper and following it to its end; what both engines do.

use std::future::Future;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::process::{Child, Command};

use super::cgroup::Group;
use super::control::Control;
use super::helper::{ARGUMENT, OUTSIDE};
use super::streams::{self, Ends, Output};
use super::wire::{Exit, Launch, Report};
use super::{Helper, link};
use crate::egress::Egress;
use crate::sandbox::{Ending, Room, Running, SandboxError, Streams};

/// How long building the walls may take on a machine under load.
pub(super) const START_LIMIT: Duration = Duration::from_secs(15);

/// How long the helpers may take to go after the command has ended.
const END_LIMIT: Duration = Duration::from_secs(5);

/// How often the groups are asked whether memory ran out.
const MEMORY_TICK: Duration = Duration::from_millis(200);

/// A helper that was told what to run.
pub(super) struct Told {
    child: Child,
    control: Control,
    group: Option<Group>,
    output: Output,
    errors: Option<Output>,
    input: Option<pipe::Sender>,
}

/// A command that runs, and what came with it.
pub(super) struct Begun {
    told: Told,
    pub(super) landlock: bool,
    pub(super) proxy: Option<std::net::TcpListener>,
}

/// The helper that stands outside.
pub(super) fn outside(helper: &Helper) -> Command {
    let mut command = Command::new(helper.path());
    command.args([ARGUMENT, OUTSIDE]);
    command
}

/// Starts the helper. Blocks; needs a runtime around it.
pub(super) fn tell(
    mut command: Command,
    launch: &Launch,
    streams: Streams,
    mounts: &[OwnedFd],
    group: Option<Group>,
) -> Result<Told, SandboxError> {
    let failed =
        |what: &str, error: std::io::Error| SandboxError::Unavailable(format!("{what}: {error}"));
    let ends = Ends::open(streams).map_err(|error| failed("make the command's streams", error))?;
    let (ours, theirs) = UnixStream::pair().map_err(|error| failed("make a stream", error))?;
    let mut child = command
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::from(OwnedFd::from(theirs)))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        // Behind walls all ends with the helper. On the host it must live to end the others, which it
        // does when its stream closes.
        .kill_on_drop(launch.walls.is_some())
        .spawn()
        .map_err(|error| failed("start the helper", error))?;
    let mut fds: Vec<BorrowedFd<'_>> = ends.theirs.iter().map(AsFd::as_fd).collect();
    fds.extend(mounts.iter().map(AsFd::as_fd));
    let told =
        ours.set_write_timeout(Some(START_LIMIT)).and_then(|()| link::send(&ours, launch, &fds));
    if let Err(error) = told {
        // On the host it does not end with this handle, and it may be what does not read.
        if let Err(error) = child.start_kill() {
            tracing::debug!(%error, "a sandbox helper had ended");
        }
        return Err(failed("tell the helper what to run", error));
    }
    let control = Control::new(ours).map_err(|error| failed("listen to the helper", error))?;
    let output = Output::new(ends.output).map_err(|error| failed("read the output", error))?;
    let errors = ends.errors.map(Output::new).transpose();
    let errors = errors.map_err(|error| failed("read the errors", error))?;
    let input = ends.input.map(streams::input).transpose();
    let input = input.map_err(|error| failed("write the input", error))?;
    Ok(Told { child, control, group, output, errors, input })
}

impl Told {
    /// Waits until the command runs.
    pub(super) async fn begun(mut self) -> Result<Begun, SandboxError> {
        let outcome = tokio::time::timeout(START_LIMIT, self.first_reports()).await;
        let late = || SandboxError::Unavailable("building it took longer than 15 s".to_owned());
        let (landlock, proxy) = match outcome {
            Ok(outcome) => outcome?,
            Err(_) => return Err(late()),
        };
        Ok(Begun { told: self, landlock, proxy })
    }

    async fn first_reports(
        &mut self,
    ) -> Result<(bool, Option<std::net::TcpListener>), SandboxError> {
        let mut proxy = None;
        loop {
            let next = self.control.next().await;
            let next = next.map_err(|error| SandboxError::Unavailable(error.to_string()))?;
            match next {
                Some((Report::Proxy, fd)) => proxy = fd.map(std::net::TcpListener::from),
                Some((Report::Started { landlock }, _)) => return Ok((landlock, proxy)),
                Some((Report::NotRun { message }, _)) => return Err(SandboxError::NotRun(message)),
                Some((Report::Failed { message }, _)) => {
                    return Err(SandboxError::Unavailable(message));
                }
                Some((Report::Ended { .. }, _)) | None => {
                    let message = "its helper ended without a word".to_owned();
                    return Err(SandboxError::Unavailable(message));
                }
            }
        }
    }
}

impl Begun {
    /// The running command, with its way out where it has one.
    pub(super) fn running_with(
        mut self,
        egress: Option<&Arc<Egress>>,
        room: &Room,
    ) -> Result<Running, SandboxError> {
        let beside = match (self.proxy.take(), egress) {
            (Some(listener), Some(egress)) => {
                let serve = egress.serve(listener, &room.hosts, &room.credentials);
                Some(serve.map_err(|error| {
                    SandboxError::Unavailable(format!("serve the egress proxy: {error}"))
                })?)
            }
            _ => None,
        };
        Ok(self.running(beside))
    }

    /// The running command; `beside` works for as long as it runs.
    pub(super) fn running(
        self,
        beside: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    ) -> Running {
        let Told { child, control, group, output, errors, input } = self.told;
        let ending = async move {
            let end = end(child, control, group);
            match beside {
                None => end.await,
                Some(beside) => {
                    tokio::pin!(end);
                    tokio::select! {
                        ending = &mut end => ending,
                        () = beside => end.await,
                    }
                }
            }
        };
        Running {
            output: Box::pin(output),
            errors: errors.map(|errors| Box::pin(errors) as _),
            input: input.map(|input| Box::pin(input) as _),
            ending: Box::pin(ending),
        }
    }
}

async fn end(mut child: Child, mut control: Control, group: Option<Group>) -> Ending {
    let mut ending = loop {
        let report = tokio::select! {
            report = control.next() => report,
            () = tokio::time::sleep(MEMORY_TICK), if group.is_some() => {
                if group.as_ref().is_some_and(Group::ran_out_of_memory) {
                    break Ending::OutOfMemory;
                }
                continue;
            }
        };
        break match report {
            Ok(Some((Report::Ended { exit }, _))) => match exit {
                Exit::Code(code) => Ending::Code(code),
                Exit::Signal(signal) => Ending::Signal(signal),
                Exit::Memory => Ending::OutOfMemory,
                Exit::Processes => Ending::TooManyProcesses,
            },
            Ok(Some((Report::Failed { message }, _))) => Ending::Broken(message),
            Ok(Some(_)) => continue,
            Ok(None) => Ending::Broken("its supervisor was ended".to_owned()),
            Err(error) => Ending::Broken(error.to_string()),
        };
    };
    if group.as_ref().is_some_and(Group::ran_out_of_memory) {
        ending = Ending::OutOfMemory;
    }
    // The end of this stream ends whatever is left.
    drop(control);
    match tokio::time::timeout(END_LIMIT, child.wait()).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(%error, "a sandbox helper could not be waited for"),
        Err(_) => {
            tracing::warn!("a sandbox helper did not end by itself");
            if let Err(error) = child.kill().await {
                tracing::warn!(%error, "a sandbox helper could not be ended");
            }
        }
    }
    if let Some(group) = group
        && let Err(error) = tokio::task::spawn_blocking(move || group.remove()).await
    {
        tracing::warn!(%error, "control groups were not removed");
    }
    ending
}
