use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

use openclaw_errors::OpenClawError;

use crate::GatewayState;
use crate::rpc::{describe_channel_state, rss_bytes};

/// Every figure in the text format of Prometheus.
///
/// # Errors
/// When the store cannot be asked.
pub(crate) async fn render(state: &GatewayState) -> Result<String, OpenClawError> {
    let mut text = Text(String::with_capacity(8 * 1024));
    let metrics = &*state.metrics;
    let backlog = state.storage.backlog().await?;
    text.gauge("openclaw_connections", "Open connections.", state.server.connections());
    text.gauge("openclaw_lanes", "Lanes of live sessions.", state.lanes.live() as u64);
    let active = state.lanes.active_runs().len() as u64;
    text.gauge("openclaw_turns_running", "Turns at work.", active);
    text.counters(
        "openclaw_turns_total",
        "Turns by how they ended.",
        "outcome",
        &[
            ("done", &metrics.done),
            ("error", &metrics.failed),
            ("stopped", &metrics.stopped),
            ("timeout", &metrics.timed_out),
        ],
    );
    metrics.turn_seconds.write(
        "openclaw_turn_seconds",
        "From the begin of a turn to its end.",
        &mut text.0,
    );
    text.counters(
        "openclaw_model_tokens_total",
        "Tokens used by models.",
        "kind",
        &[
            ("input", &metrics.input_tokens),
            ("output", &metrics.output_tokens),
            ("cache_read", &metrics.cache_read_tokens),
            ("cache_write", &metrics.cache_write_tokens),
        ],
    );
    text.counter("openclaw_model_calls_total", "Calls to models.", &metrics.model_calls);
    text.counter("openclaw_tool_calls_total", "Tools called by turns.", &metrics.tool_calls);
    text.counters(
        "openclaw_messages_total",
        "Messages by what became of them.",
        "event",
        &[("received", &metrics.received), ("sent", &metrics.sent), ("failed", &metrics.not_sent)],
    );
    text.head("openclaw_queue", "What waits.", "gauge");
    for (queue, waiting) in [("inputs", backlog.inputs), ("outbox", backlog.outbox)] {
        text.line("openclaw_queue", &[("queue", queue)], waiting);
    }
    text.head("openclaw_deliveries", "Deliveries that did not end well.", "gauge");
    for (outcome, count) in [("unknown", backlog.unknown), ("failed", backlog.failed)] {
        text.line("openclaw_deliveries", &[("outcome", outcome)], count);
    }
    text.head("openclaw_channel_state", "1 for the state that a channel is in.", "gauge");
    for channel in state.channels.list() {
        let word = describe_channel_state(channel.state);
        let labels = [("channel", channel.channel_id.as_str()), ("state", word)];
        text.line("openclaw_channel_state", &labels, 1);
    }
    let classes = ["1xx", "2xx", "3xx", "4xx", "5xx"];
    let answers: Vec<(&str, &AtomicU64)> = classes.into_iter().zip(&metrics.answers).collect();
    text.counters("openclaw_http_answers_total", "Answers over HTTP.", "status", &answers);
    metrics.http_seconds.write(
        "openclaw_http_seconds",
        "From the head of a request to the head of its answer.",
        &mut text.0,
    );
    metrics.delay_seconds.write(
        "openclaw_scheduling_delay_seconds",
        "How late the runtime wakes a task that is due.",
        &mut text.0,
    );
    if let Some(bytes) = rss_bytes() {
        text.gauge("process_resident_memory_bytes", "Resident memory.", bytes);
    }
    let uptime = state.clock.now().since(state.identity.started_at).as_secs();
    text.gauge("openclaw_uptime_seconds", "Since the gateway began to serve.", uptime);
    Ok(text.0)
}

struct Text(String);

impl Text {
    fn head(&mut self, name: &str, help: &str, kind: &str) {
        writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}")
            .expect("a string takes text");
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: u64) {
        self.0.push_str(name);
        if !labels.is_empty() {
            let labels: Vec<String> = labels
                .iter()
                .map(|(label, value)| format!("{label}=\"{}\"", escaped(value)))
                .collect();
            write!(self.0, "{{{}}}", labels.join(",")).expect("a string takes text");
        }
        writeln!(self.0, " {value}").expect("a string takes text");
    }

    fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.head(name, help, "gauge");
        self.line(name, &[], value);
    }

    fn counter(&mut self, name: &str, help: &str, value: &AtomicU64) {
        self.head(name, help, "counter");
        self.line(name, &[], value.load(Ordering::Relaxed));
    }

    fn counters(&mut self, name: &str, help: &str, label: &str, values: &[(&str, &AtomicU64)]) {
        self.head(name, help, "counter");
        for (word, value) in values {
            self.line(name, &[(label, word)], value.load(Ordering::Relaxed));
        }
    }
}

fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}
