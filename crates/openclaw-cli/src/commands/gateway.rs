use std::net::IpAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, Subcommand};
use openclaw_agents::{ModelProbe, probe};
use openclaw_config::{LoadRequest, Loaded, Overrides, load, load_last_good};
use openclaw_core::SystemRng;
use openclaw_gateway::lifecycle::StateLock;
use openclaw_gateway::server::{Server, ServerOptions};
use openclaw_protocol::methods::{
    GatewayReload, GatewayStatus, GatewayStatusGet, GatewayStatusParams, GatewayStop, NoParams,
};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{client, password, restart, service};
use crate::compose::{Channels, Composed, FileConfigSource, compose, gateway_token};
use crate::context::Context;
use crate::exit::Failure;
use crate::logging;
use crate::output::{Shade, one_line};
use crate::reach::Reach;

/// How long `gateway stop` waits for the gateway to be gone.
const STOP_LIMIT: Duration = Duration::from_secs(20);

#[derive(Debug, Subcommand)]
pub(crate) enum GatewayCommand {
    /// Run the gateway in the foreground.
    Run(RunArguments),
    /// Stop the running gateway: turns finish or are parked, then it exits.
    Stop,
    /// Tell how the running gateway is.
    Status(StatusArguments),
    /// Make the running gateway read its configuration again.
    Reload,
    /// Stop the running gateway and start it again in its place.
    Restart,
    /// Run the gateway as a systemd service of this user.
    Install(service::InstallArguments),
    /// Stop the service and remove it.
    Uninstall,
    /// Set the password that `openclaw login` asks for.
    SetPassword,
}

#[derive(Debug, Args)]
pub(crate) struct RunArguments {
    /// The address to listen on.
    #[arg(long, value_parser = Overrides::parse_bind)]
    bind: Option<IpAddr>,
    /// The port to listen on.
    #[arg(long)]
    port: Option<u16>,
    /// Start with the last configuration that worked instead of the file.
    #[arg(long)]
    last_good: bool,
}

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// Ask the database and every channel's service too.
    #[arg(long)]
    deep: bool,
}

pub(crate) fn run(context: &Context, command: GatewayCommand) -> Result<(), Failure> {
    match command {
        GatewayCommand::Run(arguments) => serve(context, &arguments),
        GatewayCommand::Stop => client(context, stop(context)),
        GatewayCommand::Status(arguments) => client(context, status(context, arguments.deep)),
        GatewayCommand::Reload => client(context, reload(context)),
        GatewayCommand::Restart => client(context, restart::restart(context)),
        GatewayCommand::Install(arguments) => service::install(context, &arguments),
        GatewayCommand::Uninstall => service::uninstall(context),
        GatewayCommand::SetPassword => password::set(context),
    }
}

fn serve(context: &Context, arguments: &RunArguments) -> Result<(), Failure> {
    let flags = Overrides { bind: arguments.bind, port: arguments.port };
    // The folder is ours before anything in it is read: a second gateway must not even load.
    let paths = context.paths();
    let lock = StateLock::take(paths.root(), "openclaw gateway run")?;
    let channels = Channels::all();
    let request = LoadRequest::new(&context.environment, &channels).with_flags(flags);
    let loaded = if arguments.last_good { load_last_good(&request)? } else { load(&request)? };
    let filter = context.environment.var("OPENCLAW_LOG");
    let (settings, otel) = (&loaded.config.logging, &loaded.config.otel);
    let started = logging::start_gateway(settings, otel, filter, context.verbose);
    for problem in &started.problems {
        tracing::error!("{problem}");
    }
    for warning in &loaded.warnings {
        tracing::warn!(%warning, "configuration: {warning}");
    }
    // The store has threads of its own. A worker that wakes another for a turn's next step costs
    // more than the step.
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let workers = (cores / 2).clamp(1, 4);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(workers)
        .enable_all()
        .build()
        .map_err(|error| Failure::failed(format!("cannot start the runtime: {error}")))?;
    // Told now: once the file was replaced by a newer one, the system calls it deleted.
    let program = std::env::current_exe();
    let served = runtime.block_on(serve_until_stopped(context, flags, loaded, channels, lock));
    drop(runtime);
    if let Some(traces) = started.traces {
        traces.end();
    }
    if served? { start_again(program) } else { Ok(()) }
}

/// Puts the program into this process anew, with the arguments it was started with.
fn start_again(program: std::io::Result<PathBuf>) -> Result<(), Failure> {
    use std::os::unix::process::CommandExt as _;
    let error = match program {
        Ok(program) => Command::new(program).args(std::env::args_os().skip(1)).exec(),
        Err(error) => error,
    };
    Err(Failure::failed(format!("the gateway stopped and cannot be started again: {error}")))
}

async fn serve_until_stopped(
    context: &Context,
    flags: Overrides,
    loaded: Loaded,
    channels: Channels,
    lock: StateLock,
) -> Result<bool, Failure> {
    let mut signals = Signals::listen()?;
    let config = loaded.config.clone();
    let token = gateway_token(&config, &SystemRng)?;
    let warned = loaded.config.inert_keys.clone();
    let composed = compose(&context.environment, flags, loaded, channels, lock).await?;
    let Composed { gateway, source, model_tasks, background, mcp, lock } = composed;
    let server = Server::bind(gateway.state().clone(), ServerOptions { token }).await?;
    gateway.start().await?;
    gateway.run_jobs();
    openclaw_gateway::lifecycle::ConfigSource::keep(source.as_ref()).await;
    let listening = server.addresses();
    if let Some(address) = server.address() {
        lock.listens(address)?;
    }
    let tasks = TaskTracker::new();
    let stop_watching = CancellationToken::new();
    tasks.spawn(reload_on_change(
        gateway.state().clone(),
        source,
        tasks.clone(),
        stop_watching.clone(),
    ));
    let serving = server.start();
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        listening = listening.join(", "),
        "the gateway serves"
    );
    banner(context, &config, &listening);
    for key in warned {
        tracing::warn!(key, "{key} is set and has no effect in this version");
    }
    signals.wait(gateway.state()).await;
    tracing::info!("stopping: turns finish or are parked");
    let starts_again = gateway.state().shutdown.starts_again();
    stop_watching.cancel();
    serving.refuse_new();
    let ending = async {
        gateway.shutdown().await;
        mcp.shutdown().await;
        background.end().await;
        serving.shutdown(Duration::from_secs(2)).await;
        tasks.close();
        tasks.wait().await;
        model_tasks.close();
    };
    let was_asked_again = tokio::select! {
        () = ending => {
            tracing::info!("stopped");
            false
        }
        () = signals.again() => {
            tracing::warn!("asked twice to stop; what was left is taken up at the next start");
            true
        }
    };
    drop(lock);
    // A signal means the end, whatever the first request meant.
    Ok(starts_again && !was_asked_again)
}

async fn reload_on_change(
    state: Arc<openclaw_gateway::GatewayState>,
    source: Arc<FileConfigSource>,
    tasks: TaskTracker,
    stop: CancellationToken,
) {
    let mut watcher = source.watch(&tasks, stop.clone());
    loop {
        // Cancel-safe: a change that is not taken stays.
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            changed = watcher.changed() => if changed.is_none() { return },
        }
        // What is wrong is logged and kept for `gateway status` by the reload itself.
        if state.config.reload().await.is_ok() {
            source.follow(&watcher);
        }
    }
}

/// The signals that a gateway minds.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    fn listen() -> Result<Self, Failure> {
        let on = |kind| {
            signal(kind)
                .map_err(|error| Failure::failed(format!("cannot listen for signals: {error}")))
        };
        Ok(Self {
            terminate: on(SignalKind::terminate())?,
            interrupt: on(SignalKind::interrupt())?,
            hang_up: on(SignalKind::hangup())?,
        })
    }

    /// Waits for a reason to stop; a hang-up reloads the configuration.
    async fn wait(&mut self, state: &openclaw_gateway::GatewayState) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                () = state.shutdown.requested().cancelled() => return,
                _ = self.hang_up.recv() => {
                    if let Err(error) = state.config.reload().await {
                        tracing::debug!(%error, "a hang-up did not reload the configuration");
                    }
                }
            }
        }
    }

    async fn again(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn banner(context: &Context, config: &openclaw_config::Config, listening: &[String]) {
    let output = context.output;
    let agent = config.default_agent();
    let model = match probe(config, &agent.id) {
        ModelProbe::Ready { model, from_environment, .. } if from_environment => {
            format!("{model} (found in the environment)")
        }
        ModelProbe::Ready { model, .. } => model,
        ModelProbe::Missing(missing) => {
            format!("none: {}", missing.hint.unwrap_or(missing.message))
        }
    };
    let mut lines = vec![
        output.paint(Shade::Bold, format!("openclaw {} is running", env!("CARGO_PKG_VERSION"))),
        format!("  listening  {}", listening.join(", ")),
        format!("  model      {model}"),
        format!("  state      {}", config.state_dir.display()),
        match &config.file {
            Some(file) => format!("  config     {}", file.display()),
            None => "  config     none, the defaults hold".to_owned(),
        },
        "  talk to it: openclaw agent run -m \"hello\"".to_owned(),
        "  stop it:    Ctrl-C, or openclaw gateway stop".to_owned(),
    ];
    if config.gateway.auth.token.is_none() {
        lines.insert(3, "  token      generated, in gateway.token in the state folder".to_owned());
    }
    output.note(&lines.join("\n"));
}

async fn stop(context: &Context) -> Result<(), Failure> {
    let reach = Reach::find(context)?;
    let client = reach.client().await?;
    let result = client.call::<GatewayStop>(&NoParams {}).await?;
    // The connection ends with the process.
    let gone = async {
        while client.call_raw("ping", &NoParams {}, Duration::from_secs(5)).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    if tokio::time::timeout(STOP_LIMIT, gone).await.is_err() {
        return Err(Failure::new(
            crate::exit::status::TIMED_OUT,
            "timeout",
            format!("process {} is still stopping", result.pid),
        ));
    }
    context.output.result(&result, || format!("the gateway (process {}) stopped", result.pid))
}

async fn reload(context: &Context) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    let result = client.call::<GatewayReload>(&NoParams {}).await?;
    context.output.result(&result, || {
        let mut lines = vec![match result.changed.as_slice() {
            [] => "nothing changed".to_owned(),
            changed => format!("in force: {}", changed.join(", ")),
        }];
        if !result.needs_restart.is_empty() {
            lines.push(format!("after a restart: {}", result.needs_restart.join(", ")));
        }
        lines.join("\n")
    })
}

async fn status(context: &Context, deep: bool) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    let status = client.call::<GatewayStatusGet>(&GatewayStatusParams { deep }).await?;
    context.output.result(&status, || describe(context, &status))
}

fn describe(context: &Context, status: &GatewayStatus) -> String {
    let output = context.output;
    let uptime = Duration::from_millis(status.uptime_ms).as_secs();
    let mut lines = vec![
        format!("openclaw {} runs as process {} for {uptime} s", status.version, status.pid),
        format!("  listening    {}", status.listening.join(", ")),
        format!("  model        {}", status.model.as_deref().unwrap_or("none configured or found")),
        format!("  sessions     {}", status.sessions),
        format!("  connections  {}", status.connections),
        format!(
            "  waiting      {} inputs, {} messages to send",
            status.backlog.inputs, status.backlog.outbox
        ),
    ];
    if let Some(fingerprint) = &status.tls_fingerprint {
        lines.push(format!("  certificate  {fingerprint}"));
    }
    if let Some(bytes) = status.rss_bytes {
        lines.push(format!("  memory       {} MiB", bytes >> 20));
    }
    if status.backlog.unknown + status.backlog.failed + status.backlog.resent > 0 {
        let text = format!(
            "  deliveries   {} of unknown outcome, {} failed, {} sent again unsure",
            status.backlog.unknown, status.backlog.failed, status.backlog.resent
        );
        lines.push(output.paint(Shade::Yellow, text));
    }
    for channel in &status.channels {
        let error = channel
            .last_error
            .as_deref()
            .map(|error| format!(": {}", one_line(error, 100)))
            .unwrap_or_default();
        let state = super::channels::state(context, channel.state);
        lines.push(format!("  channel      {} {state}{error}", channel.channel_id));
    }
    if let Some(problem) = &status.config_problem {
        lines.push(output.paint(
            Shade::Red,
            format!(
                "  config       the file is bad since {}; the last good one is in force:",
                problem.since
            ),
        ));
        problem.errors.iter().for_each(|error| lines.push(format!("    {error}")));
    }
    if !status.needs_restart.is_empty() {
        lines.push(format!("  restart for  {}", status.needs_restart.join(", ")));
    }
    if let Some(storage) = &status.storage {
        let health = if storage.ok { "works" } else { storage.error.as_deref().unwrap_or("fails") };
        lines.push(format!(
            "  storage      {} {}, schema {}: {health}",
            storage.engine, storage.version, storage.schema
        ));
    }
    lines.join("\n")
}
