use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker;
use bollard::errors::Error;
use bollard::query_parameters::{
    KillContainerOptions, ListContainersOptions, RemoveContainerOptions,
};
use tokio_util::task::TaskTracker;

use super::body::{LABEL, RUN_LABEL};

/// How often removing a container is tried.
const REMOVALS: u32 = 5;

const PAUSE: Duration = Duration::from_millis(200);

/// A container that is there: ended and removed when nobody holds this any more.
#[derive(Debug)]
pub(super) struct Container {
    pub(super) docker: Docker,
    pub(super) id: String,
    tasks: TaskTracker,
    is_gone: bool,
}

impl Container {
    pub(super) fn new(docker: Docker, id: String, tasks: TaskTracker) -> Self {
        Self { docker, id, tasks, is_gone: false }
    }

    /// Removes it, and waits for that.
    pub(super) async fn remove(mut self) {
        remove(&self.docker, &self.id).await;
        self.is_gone = true;
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        if !self.is_gone {
            let (docker, id) = (self.docker.clone(), self.id.clone());
            self.tasks.spawn(async move { remove(&docker, &id).await });
        }
    }
}

async fn remove(docker: &Docker, id: &str) {
    // Some engines ask a container to end before they remove it, and wait.
    match docker.kill_container(id, None::<KillContainerOptions>).await {
        Ok(()) | Err(Error::DockerResponseServerError { status_code: 404 | 409 | 500, .. }) => {}
        Err(error) => tracing::debug!(id, %error, "a container could not be ended"),
    }
    for attempt in 1..=REMOVALS {
        let options = RemoveContainerOptions { force: true, v: true, link: false };
        match docker.remove_container(id, Some(options)).await {
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404, .. }) => return,
            Err(error) if attempt == REMOVALS => {
                tracing::warn!(id, %error, "a container could not be removed; the next start tries again");
            }
            Err(error) => tracing::debug!(id, %error, "a container could not be removed yet"),
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Removes what earlier runs of this gateway left; how many there were.
pub(super) async fn sweep(docker: &Docker, owner: &str, run: &str) -> Result<usize, Error> {
    let label = format!("{LABEL}={owner}");
    let filters = HashMap::from([("label".to_owned(), vec![label])]);
    let options = ListContainersOptions {
        all: true,
        filters: Some(filters),
        ..ListContainersOptions::default()
    };
    let found = docker.list_containers(Some(options)).await?;
    let is_earlier = |labels: &Option<HashMap<String, String>>| {
        labels.as_ref().is_none_or(|all| all.get(RUN_LABEL).is_none_or(|own| own != run))
    };
    let earlier = found.into_iter().filter(|one| is_earlier(&one.labels));
    let ids: Vec<String> = earlier.filter_map(|one| one.id).collect();
    for id in &ids {
        remove(docker, id).await;
    }
    Ok(ids.len())
}
