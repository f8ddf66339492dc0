use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio_util::task::TaskTracker;

/// The HTTP client of all models, built when the first is asked.
#[derive(Debug, Clone)]
pub struct ModelHttp {
    client: Arc<OnceLock<reqwest::Client>>,
    pub(super) tasks: TaskTracker,
}

/// Why there is no HTTP client.
#[derive(Debug, thiserror::Error)]
#[error("cannot set up the HTTP client for models")]
pub struct ModelHttpError(#[source] reqwest::Error);

/// How long a connection may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl ModelHttp {
    /// One whose short clean-up tasks are tracked here.
    pub fn new(tasks: TaskTracker) -> Self {
        Self { client: Arc::default(), tasks }
    }

    pub(super) fn client(&self) -> Result<&reqwest::Client, ModelHttpError> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirect would carry the key to where nobody configured it.
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .no_proxy()
            .tcp_nodelay(true)
            .pool_idle_timeout(Duration::from_secs(90))
            .user_agent(concat!("openclaw/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(ModelHttpError)?;
        Ok(self.client.get_or_init(|| client))
    }
}
