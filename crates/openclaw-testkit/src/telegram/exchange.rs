use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Request, Response, StatusCode};
use serde_json::Value;

use super::answer::{ApiError, ApiResult, to_http};
use super::bot::FakeBot;
use super::call::{Call, RawCall};
use super::catalog::MethodSpec;
use super::control;
use super::driver::JournalEntry;
use super::failure::Failure;
use super::methods;
use super::server::Service;
use super::updates;

/// The service takes uploads up to 50 MB.
const MAX_BODY: usize = 51 * 1024 * 1024;

/// The connection is to be closed without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed without an answer")]
pub(crate) struct Cut;

type Answer = Result<Response<Full<Bytes>>, Cut>;

pub(crate) async fn handle(service: Arc<Service>, request: Request<Incoming>) -> Answer {
    let (head, body) = request.into_parts();
    let path = head.uri.path().to_owned();
    let Ok(body) = Limited::new(body, MAX_BODY).collect().await else {
        return json(413, &ApiError::new(413, "Request Entity Too Large").body());
    };
    let body = body.to_bytes();
    if let Some(rest) = path.strip_prefix("/control/").filter(|_| service.control) {
        let (status, answer) = control::handle(&service, rest, &body).await;
        return json(status, &answer);
    }
    if let Some((token, file)) =
        path.strip_prefix("/file/bot").and_then(|rest| rest.split_once('/'))
    {
        return download(&service, token, file);
    }
    let Some((token, method)) = path.strip_prefix("/bot").and_then(|rest| rest.split_once('/'))
    else {
        return json(404, &ApiError::not_found().body());
    };
    let Some(bot) = service.bot(&decode(token)) else {
        let error =
            if token.contains(':') { ApiError::unauthorized() } else { ApiError::not_found() };
        return json(error.code, &error.body());
    };
    let content_type =
        head.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    call(&bot, method, head.uri.query(), content_type, body).await
}

async fn call(
    bot: &FakeBot,
    method: &str,
    query: Option<&str>,
    content_type: &str,
    body: Bytes,
) -> Answer {
    let Some(spec) = MethodSpec::find(method) else {
        bot.change(|state| state.violations.push(format!("unknown method {method}")));
        return json(404, &ApiError::not_found().body());
    };
    let raw = match RawCall::read(query, content_type, body).await {
        Ok(raw) => raw,
        Err(error) => {
            bot.change(|state| {
                state.violations.push(format!("{}: {}", spec.name, error.description))
            });
            return json(error.code, &error.body());
        }
    };
    let (call, wrong) = raw.check(spec);
    let (revoked, failure) = bot.change(|state| {
        state.journal.push(JournalEntry {
            method: spec.name.to_owned(),
            params: Value::Object(call.params.clone()),
        });
        state.violations.extend(wrong);
        (state.revoked, state.take_failure(spec.name))
    });
    if revoked {
        return json(401, &ApiError::unauthorized().body());
    }
    answer(bot, &call, failure).await
}

async fn answer(bot: &FakeBot, call: &Call, failure: Option<Failure>) -> Answer {
    let refusal = match failure {
        None => {
            let (status, body) = to_http(perform(bot, call).await);
            return json(status, &body);
        }
        Some(Failure::Unauthorized) => ApiError::unauthorized(),
        Some(Failure::Conflict) => ApiError::conflict(
            "terminated by other getUpdates request; make sure that only one bot instance is running",
        ),
        Some(Failure::RateLimited { retry_after }) => ApiError::retry_after(retry_after),
        Some(Failure::BadRequest { description }) => ApiError::bad_request(description),
        Some(Failure::Forbidden { description }) => ApiError::forbidden(description),
        Some(Failure::ServerError) => ApiError::new(500, "Internal Server Error"),
        Some(Failure::BadGateway) => {
            return text(502, "text/html", "<html><body><h1>502 Bad Gateway</h1></body></html>");
        }
        Some(Failure::Undecodable) => {
            perform(bot, call).await.ok();
            return text(200, "text/html", "<html>upstream said something</html>");
        }
        Some(Failure::Truncated) => {
            let (_, body) = to_http(perform(bot, call).await);
            let body = body.to_string();
            let end = body.find("\"date\"").unwrap_or(body.len() / 2);
            return text(200, "application/json", &body[..end]);
        }
        Some(Failure::Hang) => return std::future::pending().await,
        Some(Failure::DoneThenHang) => {
            perform(bot, call).await.ok();
            return std::future::pending().await;
        }
        Some(Failure::Drop) => return Err(Cut),
        Some(Failure::DoneThenDrop) => {
            perform(bot, call).await.ok();
            return Err(Cut);
        }
        Some(Failure::Slow { millis }) => {
            tokio::time::sleep(Duration::from_millis(millis)).await;
            let (status, body) = to_http(perform(bot, call).await);
            return json(status, &body);
        }
    };
    json(refusal.code, &refusal.body())
}

async fn perform(bot: &FakeBot, call: &Call) -> ApiResult {
    if call.spec.name == "getUpdates" {
        return updates::get_updates(bot, call).await;
    }
    bot.change(|state| methods::perform(state, call))
}

fn download(service: &Service, token: &str, path: &str) -> Answer {
    let path = decode(path);
    let Some(bot) = service.bot(&decode(token)) else {
        return json(401, &ApiError::unauthorized().body());
    };
    let (bytes, failure) = bot.change(|state| {
        let bytes =
            state.files.values().find(|file| file.path == path).map(|file| file.bytes.clone());
        (bytes, state.take_failure("download"))
    });
    match (bytes, failure) {
        (_, Some(_)) => Err(Cut),
        (Some(bytes), None) => Ok(response(200, "application/octet-stream", bytes)),
        (None, None) => json(404, &ApiError::not_found().body()),
    }
}

fn decode(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn json(status: u16, body: &Value) -> Answer {
    Ok(response(status, "application/json", body.to_string().into()))
}

fn text(status: u16, content_type: &'static str, body: &str) -> Answer {
    Ok(response(status, content_type, Bytes::copy_from_slice(body.as_bytes())))
}

fn response(status: u16, content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    response
}
