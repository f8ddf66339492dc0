//! `web_fetch`, `web_search` and the proxy of sandboxes, over real sockets.

mod egress;
mod fetch;
mod search;
mod support;
