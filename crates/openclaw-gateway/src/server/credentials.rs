use std::sync::Arc;
use std::time::Duration;

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
        // What takes the place of a token that is gone is chosen at the start; until then the old
        // one stays.
        if let Some(token) = auth.token
            && shared.authenticator.replace_token(&token)
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
    let every = match shared.state.storage.health().await {
        Ok(health) if health.engine == "postgres" => Credentials::REFRESH_EVERY,
        _ => STORE_USES_EVERY,
    };
    let mut stored_at = shared.state.clock.now();
    loop {
        tokio::select! {
            biased;
            () = shared.closing.cancelled() => return,
            () = tokio::time::sleep(every) => {}
        }
        if every < STORE_USES_EVERY
            && let Err(error) = credentials.refresh().await
        {
            tracing::debug!(%error, "the credentials in the store could not be read again");
        }
        let now = shared.state.clock.now();
        if now.since(stored_at) >= STORE_USES_EVERY {
            stored_at = now;
            credentials.store_uses().await;
        }
    }
}
