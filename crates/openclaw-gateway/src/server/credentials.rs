use std::sync::Arc;
use std::time::Duration;

use openclaw_errors::OpenClawError;

use super::serve::Shared;
use crate::auth::Credentials;

/// How often the store is told when API keys were last used.
const STORE_USES_EVERY: Duration = Duration::from_secs(30);

/// Follows the token and the password of the configuration. Another one counts from the next
/// credential on, and what signed in with the old one ends.
pub(super) async fn follow_config(shared: Arc<Shared>) {
    let mut config = shared.state.config.watch();
    loop {
        tokio::select! {
            biased;
            () = shared.closing.cancelled() => return,
            changed = config.changed() => if changed.is_err() { return },
        }
        let auth = config.borrow_and_update().gateway.auth.clone();
        shared.state.credentials.set_password(auth.password_hash.as_ref());
        // What takes the place of a token that the gateway began with is chosen at the start: until
        // then it stays, which `gateway status` tells. One that came later is gone with its key.
        if let Some(token) = auth.token.as_ref().or(shared.token_without_config.as_ref())
            && shared.authenticator.replace_token(token)
        {
            tracing::info!("the gateway token changed; connections with the old one are closed");
            shared.state.hub.wake_all();
        }
    }
}

/// Makes sockets notice that what they signed in with has ended.
pub(super) async fn end_connections(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            biased;
            () = shared.closing.cancelled() => return,
            () = shared.state.credentials.changed() => {}
        }
        shared.state.hub.wake_all();
    }
}

/// Stores last uses, and finds what another gateway on the same store has changed.
pub(super) async fn keep_up(shared: Arc<Shared>) {
    let credentials = &shared.state.credentials;
    let is_shared = shared.state.storage.is_shared();
    let every = if is_shared { Credentials::REFRESH_EVERY } else { STORE_USES_EVERY };
    let mut failed_before = false;
    let mut stored_at = shared.state.clock.now();
    loop {
        tokio::select! {
            biased;
            () = shared.closing.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        if is_shared {
            let followed = follow_store(&shared).await;
            // Once while it lasts: it is tried twice a second.
            if let Err(error) = &followed
                && !failed_before
            {
                tracing::warn!(
                    error = error.report(),
                    "what other gateways on this store revoke is not seen until it can be read again"
                );
            }
            failed_before = followed.is_err();
        }
        let now = shared.state.clock.now();
        if now.since(stored_at) >= STORE_USES_EVERY {
            stored_at = now;
            credentials.store_uses().await;
        }
    }
}

/// Ends what another gateway on the same store has revoked or rotated.
async fn follow_store(shared: &Shared) -> Result<(), OpenClawError> {
    shared.state.credentials.refresh().await?;
    if shared.state.devices.refresh().await? {
        shared.state.hub.wake_all();
    }
    Ok(())
}
