use std::net::IpAddr;
use std::sync::Arc;

use http::Request;
use http::header::AUTHORIZATION;
use hyper::body::Incoming;
use openclaw_core::Secret;
use openclaw_errors::{ErrorKind, OpenClawError};

use super::body;
use super::replies::{self, Reply};
use super::serve::Shared;
use super::websocket::LAST_ANSWERS;
use crate::auth::{AuthError, Principal};
use crate::rpc::{Caller, answer};

/// Who the `Authorization` header says it is; nobody without one.
pub(super) fn principal<B>(
    shared: &Shared,
    address: IpAddr,
    request: &Request<B>,
) -> Result<Option<Principal>, AuthError> {
    let Some(header) = request.headers().get(AUTHORIZATION) else { return Ok(None) };
    let text = header.to_str().unwrap_or_default();
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim(),
        // Another scheme is a credential that is not known.
        _ => text,
    };
    shared.authenticator.bearer(address, &Secret::new(token)).map(Some)
}

/// `POST /rpc`.
pub(super) async fn handle(
    shared: &Arc<Shared>,
    address: IpAddr,
    request: Request<Incoming>,
) -> Reply {
    match answered(shared, address, request).await {
        Ok(reply) => reply,
        Err(error) => replies::error(&error),
    }
}

async fn answered(
    shared: &Arc<Shared>,
    address: IpAddr,
    request: Request<Incoming>,
) -> Result<Reply, OpenClawError> {
    let principal = principal(shared, address, &request)?;
    let limits = &shared.limits;
    let (limit, time) = match principal {
        Some(_) => (limits.bytes, limits.body),
        None => (limits.bytes_before_sign_in, limits.small_body),
    };
    let body = body::read(shared, request, limit, time).await?;
    let text = String::from_utf8(body.into())
        .map_err(|_| OpenClawError::new(ErrorKind::Parse, "the body is no UTF-8"))?;
    let caller = Caller::new(address, None, shared.authenticator.clone(), principal)
        .limited_by(shared.limiter.clone());
    let caller = Arc::new(caller);
    let grant = caller.principal().map(|principal| principal.grant).unwrap_or_default();
    // The peer that goes away takes this future with it, but not a call that is half done.
    let _gone = caller.gone.clone().drop_guard();
    let (state, calling) = (shared.state.clone(), caller.clone());
    let work = shared.spawn(async move { answer(&state, &calling, &text).await });
    // The call that ends its own credential is still answered.
    let is_over = async {
        grant.over(shared.state.clock.as_ref()).await;
        tokio::time::sleep(LAST_ANSWERS).await;
    };
    let answered = tokio::select! {
        answered = work => answered,
        () = is_over => {
            let text = "the credential was revoked or has expired";
            return Err(OpenClawError::new(ErrorKind::Unauthenticated, text));
        }
        () = shared.closing.cancelled() => {
            return Err(OpenClawError::unavailable("the gateway is stopping"));
        }
    };
    match answered {
        Ok(None) => Ok(replies::no_content()),
        Ok(Some(text)) => Ok(replies::answers(text, caller.refusal())),
        Err(error) => {
            Err(OpenClawError::internal("the call failed from within").with_source(error))
        }
    }
}
