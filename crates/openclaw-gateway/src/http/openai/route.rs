use std::sync::Arc;

use http::{HeaderMap, Method, Request, StatusCode};
use hyper::body::Incoming;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::Scope;
use openclaw_protocol::openai::{ChatRequest, ResponseRequest};
use serde::de::DeserializeOwned;

use super::ask::{Asked, Running, begin};
use super::chat::{ChunkWriter, Head, answer};
use super::error::Refused;
use super::follow::{Writer, first, left, peer_gone, stream, whole};
use super::responses::EventWriter;
use super::{chat_request, models, responses, responses_request};
use crate::auth::{CallClass, Principal};
use crate::http::sign_in::{sign_in, take_turn};
use crate::server::{Peer, Reply, Shared, event_stream, json_reply, percent_decoded, read_body};

/// Answers below `/v1`; `None` where nothing is.
pub(crate) async fn route(
    shared: &Arc<Shared>,
    peer: &Peer,
    request: Request<Incoming>,
) -> Option<Reply> {
    if !shared.state().config.current().gateway.openai_http {
        return None;
    }
    let path = request.uri().path().to_owned();
    let known = match path.strip_prefix("/v1/")? {
        "models" => Known::Models,
        "chat/completions" => Known::Chat,
        "responses" => Known::Responses,
        rest => Known::Model(percent_decoded(rest.strip_prefix("models/")?)),
    };
    let allowed = match known {
        Known::Models | Known::Model(_) => Method::GET,
        Known::Chat | Known::Responses => Method::POST,
    };
    if request.method() != allowed {
        return Some(Refused::method_reply(if allowed == Method::GET { "GET" } else { "POST" }));
    }
    let answered = match known {
        Known::Models => read_access(shared, peer, &request)
            .map(|_| json_reply(StatusCode::OK, &models::list(shared.state()))),
        Known::Model(name) => read_access(shared, peer, &request)
            .and_then(|_| models::get(shared.state(), &name))
            .map(|model| json_reply(StatusCode::OK, &model)),
        Known::Chat => chat(shared, peer, request).await,
        Known::Responses => response(shared, peer, request).await,
    };
    Some(answered.unwrap_or_else(|refused| refused.reply()))
}

enum Known {
    Models,
    Model(String),
    Chat,
    Responses,
}

fn read_access(
    shared: &Shared,
    peer: &Peer,
    request: &Request<Incoming>,
) -> Result<Principal, Refused> {
    let principal = sign_in(shared, peer, request, Scope::Read)?;
    take_turn(shared, peer, &principal, CallClass::Read)?;
    Ok(principal)
}

async fn chat(
    shared: &Arc<Shared>,
    peer: &Peer,
    request: Request<Incoming>,
) -> Result<Reply, Refused> {
    let (principal, headers, body) = read::<ChatRequest>(shared, peer, request).await?;
    let model = body.model.clone();
    let streams = body.stream.unwrap_or(false);
    let tells_usage = body.stream_options.as_ref().and_then(|options| options.include_usage);
    let asked = chat_request::read(shared.state(), body)?;
    run(shared, principal, headers, asked, move |running| {
        let head =
            Head { id: format!("chatcmpl-{}", running.run_id), created: running.created, model };
        match streams {
            true => Way::Stream(ChunkWriter::new(head, tells_usage.unwrap_or(false))),
            false => {
                Way::Whole(Box::new(move |end| json_reply(StatusCode::OK, &answer(head, end))))
            }
        }
    })
    .await
}

async fn response(
    shared: &Arc<Shared>,
    peer: &Peer,
    request: Request<Incoming>,
) -> Result<Reply, Refused> {
    let (principal, headers, body) = read::<ResponseRequest>(shared, peer, request).await?;
    let streams = body.stream.unwrap_or(false);
    let asked = responses_request::read(shared.state(), &body)?;
    run(shared, principal, headers, asked, move |running| {
        let begun = responses::begun(body, running.run_id.as_str(), running.created);
        match streams {
            true => Way::Stream(EventWriter::new(begun)),
            false => Way::Whole(Box::new(move |end| {
                json_reply(StatusCode::OK, &responses::answer(begun, end))
            })),
        }
    })
    .await
}

/// How an answer is given.
pub(super) enum Way<W> {
    /// While it is written.
    Stream(W),
    /// When it is whole.
    Whole(Box<dyn FnOnce(&openclaw_sessions::RunEnd) -> Reply + Send>),
}

/// Signs in and reads the body.
pub(super) async fn read<T: DeserializeOwned>(
    shared: &Shared,
    peer: &Peer,
    request: Request<Incoming>,
) -> Result<(Principal, HeaderMap, T), Refused> {
    let principal = sign_in(shared, peer, &request, Scope::Write)?;
    if shared.is_refusing() {
        return Err(OpenClawError::unavailable("the gateway is stopping").into());
    }
    take_turn(shared, peer, &principal, CallClass::Run)?;
    let headers = request.headers().clone();
    let body = read_body(shared, request).await?;
    let mut reader = serde_json::Deserializer::from_slice(&body);
    let read = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        Refused::bad(error.into_inner().to_string(), &path)
    })?;
    reader.end().map_err(|error| Refused::bad(error.to_string(), ""))?;
    Ok((principal, headers, read))
}

/// Runs what was asked and answers it in one of two ways. The work is its own task: a peer that goes
/// away must not leave it half done.
pub(super) async fn run<W, F>(
    shared: &Arc<Shared>,
    principal: Principal,
    headers: HeaderMap,
    asked: Asked,
    way: F,
) -> Result<Reply, Refused>
where
    W: Writer + 'static,
    F: FnOnce(&Running) -> Way<W> + Send + 'static,
{
    let gone = tokio_util::sync::CancellationToken::new();
    let _gone = gone.clone().drop_guard();
    let (for_work, state) = (shared.clone(), shared.state().clone());
    let work = shared.spawn(async move {
        let mut running = begin(&for_work, &gone, &principal, &headers, asked).await?;
        match way(&running) {
            Way::Whole(write) => {
                let end = tokio::select! {
                    end = whole(&for_work, &mut running) => end.map_err(Refused::after_storing)?,
                    () = gone.cancelled() => {
                        left(&state, &running).await;
                        return Err(peer_gone().after_storing());
                    }
                };
                Ok(write(&end))
            }
            Way::Stream(writer) => {
                let heard = tokio::select! {
                    heard = first(&mut running, &for_work) => {
                        heard.map_err(Refused::after_storing)?
                    }
                    () = gone.cancelled() => {
                        left(&state, &running).await;
                        return Err(peer_gone().after_storing());
                    }
                };
                let (sender, reply) = event_stream();
                let tasks = for_work.clone();
                tasks.spawn(stream(state, for_work, running, heard, writer, sender));
                Ok(reply)
            }
        }
    });
    work.await.unwrap_or_else(|error| {
        Err(OpenClawError::new(ErrorKind::Internal, "the request failed from within")
            .with_source(error)
            .into())
    })
}
