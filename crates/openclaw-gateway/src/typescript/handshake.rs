//! `connect`: who it is, which device it runs on, and what it may do from now on.

use std::sync::Arc;

use openclaw_core::Secret;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::event::DeviceResolvedEvent;
use openclaw_protocol::methods::DeviceInfo;
use openclaw_protocol::typescript::connect::{ConnectParams, DeviceProof, HelloOk};
use openclaw_protocol::typescript::{
    NEWEST_VERSION, OLDEST_VERSION, Request, WireCode, WireError, success,
};
use openclaw_protocol::{Scope, ScopeSet};
use serde_json::json;

use super::audience::Listener;
use super::framing::Outcome;
use super::hello::{self, Issued};
use super::link::{Connected, Link, Parting};
use crate::auth::devices::{Asked, DeviceError, DeviceRecord, ProvenDevice, principal_name, prove};
use crate::auth::{Credential, Grant, Principal};
use crate::rpc::{Caller, tell_requested, tell_resolved};

/// The one role served.
const OPERATOR: &str = "operator";

/// Why a client is not let in: what it is told, and what its connection is closed with.
struct Refusal {
    error: Box<WireError>,
    parting: Parting,
}

impl Refusal {
    fn new(error: WireError) -> Self {
        let parting = Parting::refusal(error.message.clone());
        Self { error: Box::new(error), parting }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Self::new(WireError::invalid(message))
    }
}

impl From<DeviceError> for Refusal {
    fn from(error: DeviceError) -> Self {
        let error = OpenClawError::from(error);
        if matches!(error.kind(), ErrorKind::Internal | ErrorKind::Database) {
            tracing::error!(error = error.report(), "devices cannot be looked up");
        }
        Self::new(WireError::from(&error))
    }
}

/// Who signed in, and with what.
struct SignedIn {
    principal: Principal,
    device_id: Option<String>,
    how: How,
    issued: Option<Issued>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// With something that is the owner's own.
    Shared,
    /// With the device's own token.
    DeviceToken,
}

/// Answers the first frame of a connection.
pub(super) async fn answer(link: &Arc<Link>, request: &Request<'_>) -> Outcome {
    match connect(link, request).await {
        Ok(answer) => Outcome { answer, parting: None },
        Err(refusal) => {
            tracing::debug!(reason = refusal.error.message, "a client was not let in");
            Outcome::refuse(&request.id, &refusal.error, refusal.parting)
        }
    }
}

async fn connect(link: &Arc<Link>, request: &Request<'_>) -> Result<Option<String>, Refusal> {
    if request.method != "connect" {
        return Err(Refusal::invalid("invalid handshake: first request must be connect"));
    }
    let params: ConnectParams = request.params().map_err(Refusal::new)?;
    let version = version(&params)?;
    if let Some(mistake) = params.client.mistake() {
        return Err(Refusal::invalid(format!("invalid connect params: {mistake}")));
    }
    let role = params.role.as_deref().unwrap_or(OPERATOR);
    match role {
        OPERATOR => {}
        "node" => {
            let error =
                WireError::unavailable("the role node is not built yet: it waits for nodes");
            return Err(Refusal::new(error));
        }
        _ => return Err(Refusal::invalid("invalid role")),
    }
    if params.client.is_page() && !link.facts.has_origin {
        return Err(Refusal::invalid("origin not allowed: a page must say where it is from"));
    }
    let device = match &params.device {
        Some(proof) => Some(proven(link, &params, proof)?),
        None => None,
    };
    let signed_in = match device {
        Some(device) => with_device(link, &params, device).await?,
        None => without_device(link, &params, version).await?,
    };
    welcome(link, request, &params, version, signed_in).await
}

/// The token that a device signed in with, which it is told again.
fn hello_token(hello: &HelloOk) -> Option<String> {
    hello.auth.as_ref().and_then(|auth| auth.device_token.clone())
}

fn version(params: &ConnectParams) -> Result<u32, Refusal> {
    let newest = params.max_protocol.min(NEWEST_VERSION);
    if newest < OLDEST_VERSION || params.min_protocol > newest {
        let error = WireError::invalid("protocol mismatch").with_details(
            json!({ "code": "PROTOCOL_MISMATCH", "expectedProtocol": NEWEST_VERSION }),
        );
        return Err(Refusal {
            error: Box::new(error),
            parting: Parting::new(1002, "protocol mismatch"),
        });
    }
    Ok(newest)
}

fn proven(
    link: &Link,
    params: &ConnectParams,
    proof: &DeviceProof,
) -> Result<ProvenDevice, Refusal> {
    let now = link.state.clock.now();
    prove(proof, params, OPERATOR, &link.challenge, link.facts.is_local, now)
        .map_err(|error| Refusal::invalid(error.to_string()))
}

/// A client that is no device: known by what it knows, but without any scope, unless it is one that
/// would be paired silently and has stopped asking for that.
async fn without_device(
    link: &Link,
    params: &ConnectParams,
    version: u32,
) -> Result<SignedIn, Refusal> {
    if params.auth.is_none() && link.caller.principal().is_none() {
        let error = WireError::new(WireCode::NotPaired, "device identity required");
        return Err(Refusal::new(error));
    }
    let principal = shared(link, params).await?;
    let is_program = params.client.is_local_program();
    let keeps = version >= 4
        && is_program
        && link.facts.is_local
        && !link.facts.has_origin
        && is_owners(&principal);
    let scopes = if keeps { wanted(params).bounded_by(principal.scopes) } else { ScopeSet::NONE };
    let principal = Principal { scopes, ..principal };
    Ok(SignedIn { principal, device_id: None, how: How::Shared, issued: None })
}

async fn with_device(
    link: &Link,
    params: &ConnectParams,
    device: ProvenDevice,
) -> Result<SignedIn, Refusal> {
    let known = link.state.devices.find(&device.id).await?.filter(|known| known.is_approved);
    if let Some(known) = &known
        && let Some(signed_in) = by_token(link, params, known).await?
    {
        return Ok(signed_in);
    }
    let credential = shared(link, params).await?;
    let wanted = wanted(params).bounded_by(credential.scopes);
    let known = match known {
        Some(known) if covers(known.scopes, wanted) => known,
        known => paired(link, params, &credential, known, device, wanted).await?,
    };
    let issued = link.state.devices.first_token(&known.device_id).await?;
    let scopes = wanted.bounded_by(known.scopes);
    Ok(SignedIn {
        principal: of_device(&known.device_id, scopes, &credential.grant),
        device_id: Some(known.device_id.clone()),
        how: How::Shared,
        issued: issued.map(|issued| Issued { token: issued.token, at: Some(issued.issued_at) }),
    })
}

/// A device, as long as what it signed in with counts, and it is not revoked.
fn of_device(device_id: &str, scopes: ScopeSet, credential: &Grant) -> Principal {
    Principal::new(principal_name(device_id), scopes, credential.within(None))
}

/// Signs in by the device's own token; `None` where it offers another.
async fn by_token(
    link: &Link,
    params: &ConnectParams,
    known: &DeviceRecord,
) -> Result<Option<SignedIn>, Refusal> {
    let auth = params.auth.as_ref();
    let offered = [
        auth.and_then(|auth| auth.device_token.as_deref()),
        auth.and_then(|auth| auth.token.as_deref()),
    ];
    for offered in offered.into_iter().flatten() {
        let secret = Secret::new(offered);
        if !link.state.devices.take_token(known, &secret).await? {
            continue;
        }
        let granted = known.token.as_ref().map_or(ScopeSet::NONE, |token| token.scopes);
        let wanted = wanted(params);
        if !covers(granted, wanted) {
            // More than its token allows has to be asked for.
            let asked = asked(link, params, proven_of(known), wanted, true);
            return Err(waits(link, asked));
        }
        return Ok(Some(SignedIn {
            principal: of_device(&known.device_id, wanted, &Grant::lasting()),
            device_id: Some(known.device_id.clone()),
            how: How::DeviceToken,
            issued: Some(Issued { token: offered.to_owned(), at: None }),
        }));
    }
    Ok(None)
}

/// The principal of a credential that is not a device's.
async fn shared(link: &Link, params: &ConnectParams) -> Result<Principal, Refusal> {
    let auth = params.auth.clone().unwrap_or_default();
    let credential = match (auth.token, auth.password) {
        (Some(token), _) => Credential::Bearer(Secret::new(token)),
        (None, Some(password)) => Credential::Password(Secret::new(password)),
        (None, None) => match link.caller.principal() {
            // The request that opened the connection carried one.
            Some(principal) => return Ok(principal),
            None => {
                return Err(Refusal::invalid(
                    "unauthorized: gateway token missing (set gateway.remote.token, or OPENCLAW_GATEWAY_TOKEN)",
                ));
            }
        },
    };
    let checked = link.caller.authenticator.sign_in(link.facts.address, &credential).await;
    checked.map(|signed_in| signed_in.principal).map_err(|error| {
        let error = OpenClawError::from(error);
        let mut wire = WireError::from(&error);
        if error.kind() == ErrorKind::Unauthenticated {
            // These words make a client forget a device's token that does not count any more.
            let reason = match params.device {
                Some(_) => "unauthorized: gateway token or device token mismatch",
                None => "unauthorized: gateway token mismatch",
            };
            wire.message = format!("{reason}; {}", wire.message);
            wire.details = Some(json!({ "code": "AUTH_TOKEN_MISMATCH" }));
        }
        Refusal::new(wire)
    })
}

/// Approves a device at once where that is safe, else lets it wait.
async fn paired(
    link: &Link,
    params: &ConnectParams,
    credential: &Principal,
    known: Option<DeviceRecord>,
    device: ProvenDevice,
    wanted: ScopeSet,
) -> Result<DeviceRecord, Refusal> {
    let asked = asked(link, params, device, wanted, known.is_some());
    // Whoever has the gateway token on this machine could approve it as well.
    let may_approve = credential.scopes.allows(Scope::Admin) && is_owners(credential);
    if !(link.facts.is_local && may_approve) {
        return Err(waits(link, asked));
    }
    let approved = link.state.devices.admit(&asked, credential.scopes).await?;
    tracing::info!(
        device = approved.device_id,
        client = params.client.id,
        "a device of this machine was paired"
    );
    let device_id = approved.device_id.clone();
    let event = DeviceResolvedEvent { request_id: None, device_id, is_approved: true };
    tell_resolved(&link.state, &event);
    Ok(approved)
}

fn is_owners(credential: &Principal) -> bool {
    *credential.name == *Principal::owner().name
}

fn waits(link: &Link, asked: Asked) -> Refusal {
    let (request, is_new) = link.state.devices.ask(asked);
    if is_new {
        tracing::info!(
            device = request.asked.device.id,
            request = request.id,
            "a device waits for approval: `openclaw devices list` shows it"
        );
        tell_requested(&link.state, &request);
    }
    let error = WireError::new(WireCode::NotPaired, "pairing required")
        .with_details(json!({ "code": "PAIRING_REQUIRED", "requestId": request.id }));
    Refusal::new(error)
}

fn asked(
    link: &Link,
    params: &ConnectParams,
    device: ProvenDevice,
    scopes: ScopeSet,
    is_known: bool,
) -> Asked {
    let info = DeviceInfo {
        name: params.client.display_name.clone(),
        platform: Some(params.client.platform.clone()),
        client_id: Some(params.client.id.clone()),
        client_mode: Some(params.client.mode.clone()),
    };
    let address = (!link.facts.is_local).then(|| link.facts.address.to_string());
    Asked { device, info, scopes, address, is_known }
}

fn proven_of(known: &DeviceRecord) -> ProvenDevice {
    ProvenDevice { id: known.device_id.clone(), public_key: known.public_key.clone() }
}

/// The scopes asked for, as far as they are known here.
fn wanted(params: &ConnectParams) -> ScopeSet {
    let known = |name: &String| Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
    params.scopes.iter().filter_map(known).collect()
}

fn covers(held: ScopeSet, wanted: ScopeSet) -> bool {
    wanted.iter().all(|scope| held.allows(scope))
}

async fn welcome(
    link: &Arc<Link>,
    request: &Request<'_>,
    params: &ConnectParams,
    version: u32,
    signed_in: SignedIn,
) -> Result<Option<String>, Refusal> {
    let SignedIn { principal, device_id, how, issued } = signed_in;
    tracing::debug!(
        principal = &*principal.name,
        client = params.client.id,
        by_device_token = how == How::DeviceToken,
        version,
        "a client connected"
    );
    let scopes = principal.scopes;
    let mut caller = Caller::new(
        link.facts.address,
        None,
        link.caller.authenticator.clone(),
        Some(principal.clone()),
    )
    .limited_with(&link.caller);
    caller.gone = link.caller.gone.clone();
    let presence = hello::presence(link, params, scopes);
    let connected = Connected {
        caller: Arc::new(caller),
        version,
        device_id: device_id.clone(),
        presence_key: presence.as_ref().map(|(key, _)| key.clone()),
    };
    link.caller.sign_in(principal.clone());
    link.state.hub.sign_in(&link.client, principal.name.clone(), scopes);
    let hello = hello::hello(link, version, scopes, issued).await.map_err(|error| {
        tracing::error!(error = error.report(), "a client cannot be told how things stand");
        Refusal::new(WireError::from(&error))
    })?;
    let answer = success(&request.id, &hello).map_err(|error| {
        tracing::error!(%error, "the answer to connect cannot be written");
        Refusal::new(WireError::unavailable("the answer cannot be written"))
    })?;
    let token = (how == How::DeviceToken).then(|| hello_token(&hello)).flatten();
    let wants_tools = params.caps.iter().any(|cap| cap == "tool-events");
    if link.connect(connected) {
        if let Some(device_id) = &device_id {
            // What took the device's approval away meanwhile has not seen this connection.
            let devices = &link.state.devices;
            devices.connected(device_id, link.client.id(), &principal.grant, token.as_deref());
            if !link.state.devices.holds(device_id, token.as_deref()).await? {
                principal.grant.end();
            }
        }
        // After the answer: events must not come before it.
        link.client.answer(answer, None);
        let listener = Listener::new(link.client.clone(), scopes, wants_tools);
        link.state.typescript.join(listener, presence);
        return Ok(None);
    }
    Ok(Some(answer))
}
