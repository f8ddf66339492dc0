use std::time::Duration;

use openclaw_channel_traits::pairing::normalise;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::Scope;
use openclaw_protocol::methods::{Pairing, PairingApproveParams};
use openclaw_storage::rows::PairingRow;
use openclaw_storage::{Batch, Write};
use serde_json::Value;

use super::list::describe;
use crate::GatewayState;
use crate::rpc::Caller;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: PairingApproveParams,
) -> Result<Pairing, OpenClawError> {
    let is_admin =
        caller.principal().is_some_and(|principal| principal.scopes.allows(Scope::Admin));
    if params.owner && !is_admin {
        return Err(OpenClawError::new(
            ErrorKind::Forbidden,
            "making an owner needs the scope operator.admin",
        )
        .with_field("owner"));
    }
    let row = match (&params.code, &params.channel_id, &params.user_id) {
        (Some(code), None, None) => by_code(state, code).await?,
        (None, Some(channel), Some(user)) => {
            state.storage.pairing(channel, user).await?.ok_or_else(|| {
                OpenClawError::not_found(format!("{user} has not asked on {channel}"))
            })?
        }
        _ => {
            return Err(OpenClawError::invalid_params(
                "code",
                "give a code, or channel_id and user_id",
            ));
        }
    };
    let now = state.clock.now();
    let write = Write::ApprovePairing {
        channel_id: row.channel_id.clone(),
        user_id: row.user_id.clone(),
        owner: params.owner,
        at: now,
    };
    state.storage.apply(Batch::new().with(write)).await?;
    tracing::info!(channel = %row.channel_id, user = %row.user_id, owner = params.owner, "a person was approved");
    if params.owner {
        note_owner(state, &row).await;
    }
    let approved = state.storage.pairing(&row.channel_id, &row.user_id).await?;
    approved
        .map(|row| describe(row, now))
        .ok_or_else(|| OpenClawError::not_found("the person was removed meanwhile"))
}

async fn by_code(state: &GatewayState, typed: &str) -> Result<PairingRow, OpenClawError> {
    let now = state.clock.now();
    if !state.server.may_try_code(now) {
        return Err(OpenClawError::new(ErrorKind::RateLimited, "too many wrong codes")
            .with_retry_after(Duration::from_secs(60))
            .with_hint("pairing.list shows the codes"));
    }
    let found = match normalise(typed) {
        Some(code) => state.storage.pairing_by_code(&code, now).await?,
        None => None,
    };
    found.ok_or_else(|| {
        state.server.wrong_code(now);
        OpenClawError::not_found("no pending request has this code, or it has expired").with_hint(
            "`openclaw pairing list` shows the codes; a person who writes again gets a fresh one",
        )
    })
}

/// The owner also joins `session.owners` in the file, where people look for it; the store decides either way.
async fn note_owner(state: &GatewayState, row: &PairingRow) {
    let owner = format!("{}:{}", row.channel_id, row.user_id);
    let mut owners = state.config.current().session.owners.clone();
    if owners.contains(&owner) {
        return;
    }
    owners.push(owner.clone());
    let value = Value::from(owners);
    let written = async {
        state
            .config
            .source()?
            .set("session.owners", Some(&value), "pairing approve --owner")
            .await?;
        state.config.reload().await
    };
    if let Err(error) = written.await {
        tracing::warn!(
            owner,
            error = error.report(),
            "an owner is stored, but could not be added to session.owners in the file"
        );
    }
}
