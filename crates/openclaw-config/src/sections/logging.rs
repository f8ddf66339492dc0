use std::time::Duration;

use url::Url;

use crate::{ConsoleStyle, LogLevel, LoggingSettings, OtelSettings, TableReader};

const LEVELS: [(&str, LogLevel); 7] = [
    ("silent", LogLevel::Silent),
    ("error", LogLevel::Error),
    ("warn", LogLevel::Warn),
    ("info", LogLevel::Info),
    ("debug", LogLevel::Debug),
    ("trace", LogLevel::Trace),
    ("fatal", LogLevel::Error),
];

const STYLES: [(&str, ConsoleStyle); 3] = [
    ("pretty", ConsoleStyle::Pretty),
    ("compact", ConsoleStyle::Compact),
    ("json", ConsoleStyle::Json),
];

const PROTOCOLS: [(&str, ()); 1] = [("http/protobuf", ())];

/// `[logging]`; the file is still relative.
pub(super) fn read_logging(reader: &mut TableReader<'_>) -> LoggingSettings {
    let level = reader.choice("level", "The least that is logged.", &LEVELS).default("info");
    let file = reader
        .string("file", "The log file, one JSON object a line; without it logs/gateway.log in the state folder; off writes none.")
        .optional();
    let console_level = reader
        .choice(
            "console_level",
            "The least that is shown on the console; without it level.",
            &LEVELS,
        )
        .optional();
    let console_style = reader
        .choice("console_style", "How log lines are shown on the console.", &STYLES)
        .default("pretty");
    let megabytes: u64 = reader
        .integer(
            "max_file_mb",
            "The largest log file; then it is put aside and another begun.",
            1..=10_000,
        )
        .default(20);
    let max_files: u32 = reader
        .integer("max_files", "Log files that are kept besides the one that is written.", 0..=1_000)
        .default(4);
    LoggingSettings {
        level,
        file: file.map(Into::into),
        console_level,
        console_style,
        max_file_bytes: megabytes << 20,
        max_files,
    }
}

pub(super) fn read_diagnostics(reader: &mut TableReader<'_>) -> OtelSettings {
    reader.table("otel", "Traces for a collector that speaks OTLP.", |reader| {
        let enabled = reader.boolean("enabled", "Whether traces are sent.").default(false);
        let endpoint = reader
            .string("endpoint", "The collector's root.")
            .parse(read_endpoint)
            .default("http://127.0.0.1:4318");
        reader.choice("protocol", "How they are sent.", &PROTOCOLS).default("http/protobuf");
        let authorization = reader
            .secret("authorization", "The Authorization header, where the collector asks for one.");
        let service_name =
            reader.string("service_name", "What the gateway is called there.").default("openclaw");
        reader.boolean("traces", "Whether traces are sent.").inert().default(true);
        reader
            .boolean("metrics", "Whether metrics are sent; they are at /metrics.")
            .inert()
            .default(false);
        reader.boolean("logs", "Whether log lines are sent.").inert().default(false);
        let sample_rate = reader
            .number("sample_rate", "The part of requests that is traced.", 0.0..=1.0)
            .default(1_i64);
        let flush_interval: u64 = reader
            .integer("flush_interval_ms", "How often what was gathered is sent.", 100..=600_000)
            .default(5_000);
        OtelSettings {
            endpoint: enabled.then_some(endpoint),
            authorization,
            service_name,
            sample_rate,
            flush_interval: Duration::from_millis(flush_interval),
        }
    })
}

fn read_endpoint(text: String) -> Result<String, String> {
    match Url::parse(&text) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        _ => Err("must be a URL such as \"http://127.0.0.1:4318\"".to_owned()),
    }
}
