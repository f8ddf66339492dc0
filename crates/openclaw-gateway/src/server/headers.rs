use http::{HeaderName, HeaderValue, Response};

/// What every response carries. Nothing here is a page; the web UI will bring a policy of its own.
pub(super) const SECURITY: [(&str, &str); 4] = [
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("cache-control", "no-store"),
];

/// Adds what every response carries, errors included.
pub(super) fn secure<B>(mut response: Response<B>) -> Response<B> {
    for (name, value) in SECURITY {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    response
}
