//! Traces for a collector that speaks OTLP over HTTP.

use std::collections::HashMap;

use openclaw_config::OtelSettings;
use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{SpanExporter, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider,
};
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

/// Sends traces until it is ended. Its worker is a thread of its own with a blocking client, so it is
/// made before the runtime and ended after it.
#[derive(Debug)]
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Begins to send; nothing is contacted before there is a span.
    ///
    /// # Errors
    /// When the client cannot be set up.
    pub(super) fn begin(settings: &OtelSettings, endpoint: &str) -> anyhow::Result<Self> {
        let headers: HashMap<String, String> = settings
            .authorization
            .iter()
            .map(|secret| ("authorization".to_owned(), secret.expose().to_owned()))
            .collect();
        let exporter = SpanExporter::builder()
            .with_http()
            .with_endpoint(format!("{endpoint}/v1/traces"))
            .with_headers(headers)
            .build()?;
        let batches =
            BatchConfigBuilder::default().with_scheduled_delay(settings.flush_interval).build();
        let processor = BatchSpanProcessor::builder(exporter).with_batch_config(batches).build();
        let resource = Resource::builder()
            .with_service_name(settings.service_name.clone())
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let sampler = Sampler::TraceIdRatioBased(settings.sample_rate);
        let provider = SdkTracerProvider::builder()
            .with_span_processor(processor)
            .with_sampler(Sampler::ParentBased(Box::new(sampler)))
            .with_resource(resource)
            .build();
        Ok(Self(provider))
    }

    pub(super) fn layer<S>(&self) -> OpenTelemetryLayer<S, opentelemetry_sdk::trace::SdkTracer>
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("openclaw"))
    }

    /// Sends what is left. Blocks for some seconds at most; not to be called within the runtime.
    pub(crate) fn end(self) {
        if let Err(error) = self.0.shutdown() {
            tracing::debug!(%error, "the last traces were not sent");
        }
    }
}
