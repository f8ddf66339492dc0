use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::query_parameters::{InspectContainerOptions, WaitContainerOptions};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio_util::io::StreamReader;
use tokio_util::task::TaskTracker;

use super::container::Container;
use crate::platform::sandbox::MemoryWatch;
use crate::sandbox::{Ending, Running};

/// How often the kernel is asked whether memory ran out. Engines are slow to say it, and some never do.
const MEMORY_TICK: Duration = Duration::from_millis(50);

/// A container's input, whose end the command is told of when this is dropped.
pub(super) struct Input {
    stream: Option<Pin<Box<dyn AsyncWrite + Send>>>,
    tasks: TaskTracker,
}

impl Input {
    pub(super) fn new(stream: Pin<Box<dyn AsyncWrite + Send>>, tasks: TaskTracker) -> Self {
        Self { stream: Some(stream), tasks }
    }

    fn stream(&mut self) -> io::Result<Pin<&mut (dyn AsyncWrite + Send + 'static)>> {
        let stream = self.stream.as_mut().map(|stream| stream.as_mut());
        stream.ok_or_else(|| io::ErrorKind::BrokenPipe.into())
    }
}

impl AsyncWrite for Input {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.stream() {
            Ok(stream) => stream.poll_write(context, bytes),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream() {
            Ok(stream) => stream.poll_flush(context),
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.stream() {
            Ok(stream) => stream.poll_shutdown(context),
            Err(error) => Poll::Ready(Err(error)),
        }
    }
}

impl Drop for Input {
    fn drop(&mut self) {
        let Some(mut stream) = self.stream.take() else { return };
        self.tasks.spawn(async move {
            if let Err(error) = stream.shutdown().await {
                tracing::debug!(%error, "a container's input was closed already");
            }
        });
    }
}

/// A command that was started in its container.
pub(super) struct Started {
    pub(super) container: Container,
    /// The container of its network, where it has one; it goes after the command's.
    pub(super) network: Option<Container>,
    pub(super) output: Pin<Box<dyn Stream<Item = Result<LogOutput, Error>> + Send>>,
    pub(super) input: Option<Input>,
    pub(super) memory: MemoryWatch,
}

impl Started {
    /// The running command; `beside` works for as long as it runs.
    pub(super) fn running(
        self,
        beside: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    ) -> Running {
        let Self { container, network, output, input, memory } = self;
        let output = output.map(|piece| piece.map(bytes_of).map_err(io::Error::other));
        let ending = async move {
            let end = ended(&container, memory);
            let ending = match beside {
                None => end.await,
                Some(beside) => {
                    tokio::pin!(end);
                    tokio::select! {
                        ending = &mut end => ending,
                        () = beside => end.await,
                    }
                }
            };
            container.remove().await;
            if let Some(network) = network {
                network.remove().await;
            }
            ending
        };
        Running {
            output: Box::pin(StreamReader::new(Box::pin(output))),
            errors: None,
            input: input.map(|input| Box::pin(input) as _),
            ending: Box::pin(ending),
        }
    }
}

fn bytes_of(piece: LogOutput) -> Bytes {
    match piece {
        LogOutput::StdOut { message }
        | LogOutput::StdErr { message }
        | LogOutput::StdIn { message }
        | LogOutput::Console { message } => message,
    }
}

async fn ended(container: &Container, mut memory: MemoryWatch) -> Ending {
    let Container { docker, id, .. } = container;
    let mut wait = Box::pin(docker.wait_container(id, None::<WaitContainerOptions>));
    let waited = loop {
        tokio::select! {
            waited = wait.next() => break waited,
            () = tokio::time::sleep(MEMORY_TICK), if memory.is_of_use() => memory.look(),
        }
    };
    memory.look();
    let code = match waited {
        Some(Ok(answer)) => answer.status_code,
        Some(Err(Error::DockerContainerWaitError { code, .. })) => code,
        Some(Err(error)) => return Ending::Broken(error.to_string()),
        None => return Ending::Broken("the engine does not say how it ended".to_owned()),
    };
    if memory.ran_out() || says_out_of_memory(container).await {
        return Ending::OutOfMemory;
    }
    Ending::Code(i32::try_from(code).unwrap_or(255))
}

async fn says_out_of_memory(container: &Container) -> bool {
    let asked =
        container.docker.inspect_container(&container.id, None::<InspectContainerOptions>).await;
    match asked {
        Ok(found) => found.state.and_then(|state| state.oom_killed).unwrap_or_default(),
        Err(error) => {
            tracing::debug!(%error, "a container that ended could not be looked at");
            false
        }
    }
}
