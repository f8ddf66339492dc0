//! Where log lines go: the console, and for a gateway a file of JSON lines.

mod file;
mod otlp;

use std::io::IsTerminal as _;

use openclaw_config::{ConsoleStyle, LoggingSettings, OtelSettings};
use openclaw_core::{Clock as _, SystemClock};
use tracing::Subscriber;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use file::LogFile;
pub(crate) use otlp::Traces;

// rig at trace and reqwest at debug print whole requests, which hold what people said; rmcp prints URLs
// with their queries, and all that it says is an error of a call as well.
const QUIET: &str = "rig=off,rig_core=off,hyper=warn,reqwest=warn,rustls=warn,sqlx=warn,h2=warn,teloxide=warn,teloxide_core=warn,rmcp=off";

/// Logs to standard error: a command that does its work itself from `base`, more with `-v`.
pub(crate) fn start(base: &str, filter: Option<&str>, verbose: u8) {
    let console = console(ConsoleStyle::Pretty).with_filter(levels(base, filter, verbose));
    install(tracing_subscriber::registry().with(console));
}

/// Where a gateway logs to, and what of it does not work: the gateway works without.
#[derive(Debug, Default)]
pub(crate) struct Started {
    /// To be ended after everything else.
    pub(crate) traces: Option<Traces>,
    pub(crate) problems: Vec<String>,
}

/// Logs as the configuration of a gateway says.
pub(crate) fn start_gateway(
    settings: &LoggingSettings,
    otel: &OtelSettings,
    filter: Option<&str>,
    verbose: u8,
) -> Started {
    let mut started = Started::default();
    let level = settings.level.as_str();
    let shown = settings.console_level.unwrap_or(settings.level).as_str();
    let console = console(settings.console_style).with_filter(levels(shown, filter, verbose));
    let opened = settings
        .file
        .as_ref()
        .map(|path| LogFile::open(path, settings.max_file_bytes, settings.max_files));
    let file = opened.and_then(|opened| {
        opened
            .map_err(|error| {
                started.problems.push(format!("the log file cannot be written: {error}"))
            })
            .ok()
    });
    let file = file.map(|file| {
        tracing_subscriber::fmt::layer()
            .json()
            .flatten_event(true)
            .with_span_list(true)
            .with_current_span(false)
            .log_internal_errors(false)
            .with_timer(LogTime)
            .with_writer(file)
            .with_filter(levels(level, filter, verbose))
    });
    if let Some(endpoint) = &otel.endpoint {
        match Traces::begin(otel, endpoint) {
            Ok(traces) => started.traces = Some(traces),
            Err(error) => started.problems.push(format!("no traces are sent: {error:#}")),
        }
    }
    let traces = started
        .traces
        .as_ref()
        .map(|traces| traces.layer().with_filter(levels(level, filter, verbose)));
    install(tracing_subscriber::registry().with(console).with(file).with(traces));
    started
}

fn console<S>(style: ConsoleStyle) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_timer(LogTime)
        .with_target(false);
    match style {
        ConsoleStyle::Pretty => layer.boxed(),
        ConsoleStyle::Compact => layer.compact().boxed(),
        ConsoleStyle::Json => layer.json().flatten_event(true).boxed(),
    }
}

fn levels(base: &str, filter: Option<&str>, verbose: u8) -> EnvFilter {
    let level = match verbose {
        0 => base,
        1 => "debug",
        _ => "trace",
    };
    let default = format!("{level},{QUIET}");
    match filter {
        Some(text) => EnvFilter::try_new(text).unwrap_or_else(|_| EnvFilter::new(&default)),
        None => EnvFilter::new(&default),
    }
}

fn install(subscriber: impl Subscriber + Send + Sync) {
    if tracing::subscriber::set_global_default(subscriber).is_err() {
        tracing::debug!("a log subscriber was set already");
    }
}

/// RFC 3339 UTC with milliseconds, as everywhere else.
struct LogTime;

impl FormatTime for LogTime {
    fn format_time(&self, writer: &mut Writer<'_>) -> std::fmt::Result {
        write!(writer, "{}", SystemClock.now())
    }
}
