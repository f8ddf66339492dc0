//! The gateway as a systemd service of its user.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;
use openclaw_config::Environment;
use serde_json::json;

use crate::context::Context;
use crate::exit::{Failure, status};

const UNIT: &str = "openclaw-gateway.service";
/// Longer than an orderly end takes, which is 14 s.
const STOP_SECONDS: u32 = 30;

#[derive(Debug, Args)]
pub(crate) struct InstallArguments {
    /// Only print the unit.
    #[arg(long)]
    print: bool,
    /// Do not start it now, only with the next login.
    #[arg(long)]
    no_start: bool,
}

/// Writes the unit, enables it and starts it.
pub(super) fn install(context: &Context, arguments: &InstallArguments) -> Result<(), Failure> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::failed(format!("cannot tell where this program is: {error}")))?;
    let text = unit(&program, &context.environment);
    if arguments.print {
        return context.output.raw(&text);
    }
    systemctl(&["--version"])?;
    let path = unit_path(&context.environment);
    write(&path, &text)?;
    systemctl(&["--user", "daemon-reload"])?;
    let enable: &[&str] = if arguments.no_start { &["enable"] } else { &["enable", "--now"] };
    systemctl(&[&["--user"], enable, &[UNIT]].concat())?;
    let result = json!({ "unit": path, "started": !arguments.no_start });
    context.output.result(&result, || {
        let mut lines = vec![format!("installed {}", path.display())];
        if !arguments.no_start {
            lines.push("the gateway is started; `openclaw gateway status` tells how it is".to_owned());
        }
        lines.push("it runs while you are logged in; `loginctl enable-linger` lets it go on".to_owned());
        lines.push("API keys of models in your shell's environment do not reach it: put them into the configuration".to_owned());
        lines.join("\n")
    })
}

/// Stops the service and removes its unit.
pub(super) fn uninstall(context: &Context) -> Result<(), Failure> {
    let path = unit_path(&context.environment);
    if !path.exists() {
        return Err(Failure::new(
            status::NOT_FOUND,
            "not_found",
            format!("no service is installed: there is no {}", path.display()),
        ));
    }
    systemctl(&["--user", "disable", "--now", UNIT])?;
    fs::remove_file(&path)
        .map_err(|error| Failure::failed(format!("cannot remove {}: {error}", path.display())))?;
    systemctl(&["--user", "daemon-reload"])?;
    let result = json!({ "unit": path });
    context.output.result(&result, || format!("removed {}", path.display()))
}

fn unit_path(environment: &Environment) -> PathBuf {
    let base = match environment.var("XDG_CONFIG_HOME") {
        Some(folder) => PathBuf::from(folder),
        None => environment.home().join(".config"),
    };
    base.join("systemd/user").join(UNIT)
}

/// The unit. Where things are is written down; secrets are not.
fn unit(program: &Path, environment: &Environment) -> String {
    let kept = ["OPENCLAW_STATE_DIR", "OPENCLAW_CONFIG", "OPENCLAW_GATEWAY_PORT", "OPENCLAW_LOG"];
    let variables: String = kept
        .iter()
        .filter_map(|name| Some((name, environment.var(name)?)))
        .map(|(name, value)| format!("Environment={}\n", quoted(&format!("{name}={value}"))))
        .collect();
    format!(
        "[Unit]\n\
         Description=OpenClaw gateway\n\
         Wants=network-online.target\n\
         After=network-online.target\n\
         \n\
         [Service]\n\
         ExecStart={} gateway run\n\
         ExecReload=/bin/kill -HUP $MAINPID\n\
         {variables}\
         Restart=on-failure\n\
         RestartSec=2\n\
         RestartPreventExitStatus={} {}\n\
         TimeoutStopSec={STOP_SECONDS}\n\
         UMask=0077\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n",
        quoted(&program.display().to_string()).replace('$', "$$"),
        status::USAGE,
        status::CONFIGURATION,
    )
}

/// A text as systemd reads it back: `%` means something to it.
fn quoted(text: &str) -> String {
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%");
    format!("\"{escaped}\"")
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    let failed = |error: std::io::Error| {
        Failure::failed(format!("cannot write {}: {error}", path.display()))
    };
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(failed)?;
    }
    fs::write(path, text).map_err(failed)
}

fn systemctl(arguments: &[&str]) -> Result<(), Failure> {
    let shown = arguments.join(" ");
    let output = Command::new("systemctl").args(arguments).output().map_err(|error| {
        Failure::failed(format!("cannot run systemctl: {error}")).with_hint(
            "without systemd, run `openclaw gateway run` under what starts programs here",
        )
    })?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let said = crate::output::one_line(said.trim(), 300);
    Err(Failure::failed(format!("`systemctl {shown}` failed: {said}")))
}

#[cfg(test)]
mod tests {
    use super::unit;
    use openclaw_config::Environment;
    use std::path::Path;

    #[test]
    fn a_unit_says_where_things_are_and_holds_no_secret() {
        let variables = [
            ("OPENCLAW_STATE_DIR", "/home/me/my state"),
            ("OPENCLAW_GATEWAY_TOKEN", "canary"),
            ("OPENAI_API_KEY", "canary"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let environment = Environment::new(variables, "/home/me", "/");
        let text = unit(Path::new("/opt/100% claw/openclaw"), &environment);
        insta::assert_snapshot!(text, @r#"
        [Unit]
        Description=OpenClaw gateway
        Wants=network-online.target
        After=network-online.target

        [Service]
        ExecStart="/opt/100%% claw/openclaw" gateway run
        ExecReload=/bin/kill -HUP $MAINPID
        Environment="OPENCLAW_STATE_DIR=/home/me/my state"
        Restart=on-failure
        RestartSec=2
        RestartPreventExitStatus=2 3
        TimeoutStopSec=30
        UMask=0077

        [Install]
        WantedBy=default.target
        "#);
    }
}
