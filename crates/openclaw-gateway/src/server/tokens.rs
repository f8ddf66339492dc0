use std::sync::Arc;

use super::serve::Shared;
use crate::auth::Principal;
use crate::hub::CloseReason;

/// Follows the token of the configuration. Another one counts from the next credential on, and
/// connections that signed in with the old one are ended.
pub(super) async fn follow(shared: Arc<Shared>) {
    let mut config = shared.state.config.watch();
    loop {
        tokio::select! {
            biased;
            () = shared.closing.cancelled() => return,
            changed = config.changed() => if changed.is_err() { return },
        }
        let token = config.borrow_and_update().gateway.auth.token.clone();
        let Some(token) = token else {
            // What takes its place is chosen at the start; until then the old one stays.
            continue;
        };
        if shared.authenticator.replace_token(&token) {
            tracing::info!("the gateway token changed; connections with the old one are closed");
            let owner = Principal::owner();
            shared.state.hub.close_principal(&owner.name, CloseReason::CredentialRevoked);
        }
    }
}
