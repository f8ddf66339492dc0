use std::path::PathBuf;
use std::time::Duration;

use openclaw_core::Secret;

/// `[logging]`: where log lines go. In force from the start of the gateway.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LoggingSettings {
    /// The least that is logged.
    pub level: LogLevel,
    /// The file, one JSON object a line; `None` writes none.
    pub file: Option<PathBuf>,
    /// The least that is shown on the console, where it differs.
    pub console_level: Option<LogLevel>,
    /// How it is shown.
    pub console_style: ConsoleStyle,
    /// The largest file in bytes; then it is put aside and another begun.
    pub max_file_bytes: u64,
    /// Files that are kept besides the one that is written.
    pub max_files: u32,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LogLevel {
    /// Nothing.
    Silent,
    /// What went wrong.
    Error,
    /// What may go wrong.
    Warn,
    /// What happens.
    #[default]
    Info,
    /// What is done for it.
    Debug,
    /// Everything.
    Trace,
}

impl LogLevel {
    /// The word that filters of log lines know.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Silent => "off",
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
            Self::Trace => "trace",
        }
    }
}

/// How log lines are shown on the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConsoleStyle {
    /// For people.
    #[default]
    Pretty,
    /// For people, shorter.
    Compact,
    /// One JSON object a line.
    Json,
}

/// `[diagnostics.otel]`: traces for a collector that speaks OTLP over HTTP. In force from the start
/// of the gateway.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct OtelSettings {
    /// Where they are sent: the collector's root, such as `http://127.0.0.1:4318`; `None` sends none.
    pub endpoint: Option<String>,
    /// The `Authorization` header, where the collector asks for one.
    pub authorization: Option<Secret>,
    /// What the gateway is called there.
    pub service_name: String,
    /// The part of requests that is traced, 0 to 1.
    pub sample_rate: f64,
    /// How often what was gathered is sent.
    pub flush_interval: Duration,
}
