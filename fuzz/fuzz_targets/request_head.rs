//! What a request says of its host, its origin and where it comes from.
#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;

const NAMES: [&str; 6] =
    ["host", "origin", "x-forwarded-for", "forwarded", "sec-fetch-site", "authorization"];

fuzz_target!(|given: (&str, Vec<(u8, Vec<u8>)>)| {
    let (target, lines) = given;
    let mut headers = HeaderMap::new();
    for (name, value) in &lines {
        let name = HeaderName::from_static(NAMES[usize::from(*name) % NAMES.len()]);
        if let Ok(value) = HeaderValue::from_bytes(value) {
            headers.append(name, value);
        }
    }
    if let Ok(target) = target.parse() {
        openclaw_gateway::fuzzing::request_head(&target, &headers);
    }
});
