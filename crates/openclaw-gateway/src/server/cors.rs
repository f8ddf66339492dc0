use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, Request, Response};

use super::replies::{self, Reply};

/// The most that a page may ask to send along; browsers list a few names.
const LONGEST: usize = 1 << 10;

/// Answers what a browser asks before it lets a page of an allowed origin call. Foreign origins are
/// refused before this.
pub(super) fn preflight<B>(request: &Request<B>) -> Option<Reply> {
    let headers = request.headers();
    let asks = request.method() == Method::OPTIONS
        && headers.contains_key(ORIGIN)
        && headers.contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if !asks {
        return None;
    }
    let mut reply = replies::no_content();
    let answer = reply.headers_mut();
    answer.insert(
        ACCESS_CONTROL_ALLOW_METHODS,
        HeaderValue::from_static("GET, HEAD, POST, DELETE, OPTIONS"),
    );
    if let Some(wanted) =
        headers.get(ACCESS_CONTROL_REQUEST_HEADERS).filter(|wanted| wanted.len() <= LONGEST)
    {
        answer.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
    }
    answer.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    Some(reply)
}

/// Lets the page of an allowed origin read the answer. Cookies are never allowed along: nothing here knows any.
pub(super) fn share<B>(mut response: Response<B>, origin: Option<HeaderValue>) -> Response<B> {
    response.headers_mut().append(VARY, HeaderValue::from_static("origin"));
    if let Some(origin) = origin {
        let headers = response.headers_mut();
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(
            ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("retry-after, x-request-id"),
        );
    }
    response
}

/// Whether a browser says that a page of another site sends this, while no origin says which: then
/// nobody can be asked whether it may.
pub(super) fn is_forged(method: &Method, headers: &HeaderMap) -> bool {
    let is_safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    !is_safe && !headers.contains_key(ORIGIN) && matches!(site, Some(b"cross-site" | b"same-site"))
}
