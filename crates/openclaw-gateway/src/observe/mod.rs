//! What the gateway tells of itself: figures for Prometheus, ids that follow a request, the tail of
//! its log, and a watch over the runtime's delays.

mod exposition;
mod histogram;
mod log_tail;
mod metrics;
mod request_id;
mod watchdog;

pub(crate) use exposition::render;
pub(crate) use log_tail::{LogTail, tail};
pub use metrics::Metrics;
pub(crate) use request_id::{
    HEADER as REQUEST_ID, carry, current as request_id, of_request, scope,
};
pub(crate) use watchdog::watch as watch_delays;
