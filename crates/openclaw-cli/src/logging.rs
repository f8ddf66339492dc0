//! Where log lines go.

use openclaw_core::{Clock as _, SystemClock};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;

/// Logs to standard error: a gateway from `info`, other commands from `warn` (more with `-v`).
pub(crate) fn start(base: &str, filter: Option<&str>, verbose: u8) {
    let level = match verbose {
        0 => base,
        1 => "debug",
        _ => "trace",
    };
    // rig at trace and reqwest at debug print whole requests, which hold what people said.
    let default = format!(
        "{level},rig=off,rig_core=off,hyper=warn,reqwest=warn,rustls=warn,sqlx=warn,h2=warn,teloxide=warn,teloxide_core=warn"
    );
    let filter = match filter {
        Some(text) => EnvFilter::try_new(text).unwrap_or_else(|_| EnvFilter::new(&default)),
        None => EnvFilter::new(&default),
    };
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .with_target(false)
        .with_timer(LogTime)
        .finish();
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
