use std::sync::Arc;

use openclaw_config::{LoadRequest, StorageBackend, load};
use openclaw_core::{Clock, SystemClock, SystemIds, SystemRng};
use openclaw_gateway::auth::Credentials;
use openclaw_gateway::lifecycle::{CommitFan, StateLock};

use super::{Channels, open_storage};
use crate::context::Context;
use crate::exit::Failure;

/// Works on the credentials in the store while no gateway does: it holds the state folder, opens no
/// port and runs nothing else.
pub(crate) fn with_credentials<T>(
    context: &Context,
    work: impl AsyncFnOnce(&Credentials) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let channels = Channels::all();
    let loaded = load(&LoadRequest::new(&context.environment, &channels))?;
    if loaded.config.storage == StorageBackend::Memory {
        return Err(Failure::failed("storage.backend is \"memory\": a key would be gone at once")
            .with_hint("start the gateway first, or use another storage.backend"));
    }
    let lock = StateLock::take(&loaded.config.state_dir, "openclaw keys")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start the runtime: {error}")))?;
    runtime.block_on(async {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let observer = Arc::new(CommitFan::new());
        let storage = open_storage(&loaded.config.storage, clock.clone(), observer).await?;
        let (ids, rng) = (Arc::new(SystemIds), Arc::new(SystemRng));
        let credentials = Credentials::new(storage.clone(), clock, ids, rng);
        credentials.load().await?;
        let outcome = work(&credentials).await;
        storage.close().await;
        drop(lock);
        outcome
    })
}
