use clap::{Args, Subcommand};
use openclaw_protocol::methods::{
    Device, DeviceApprove, DeviceInfo, DeviceList, DeviceListResult, DeviceRef, DeviceReject,
    DeviceRequestRef, DeviceRevoke, DeviceRotate, DeviceRotateParams, NoParams,
};
use openclaw_protocol::{Scope, ScopeSet};

use crate::context::Context;
use crate::exit::Failure;
use crate::output::{one_line, table};
use crate::reach::Reach;

#[derive(Debug, Subcommand)]
pub(crate) enum DevicesCommand {
    /// List devices that wait for approval, and those that are approved.
    List,
    /// Let a device connect, with the scopes it asked for.
    Approve(ApproveArguments),
    /// Turn a waiting device away.
    Reject(RequestArguments),
    /// Take a device's approval and token away and end its connections.
    Revoke(DeviceArguments),
    /// Give a device another token and end its connections.
    Rotate(RotateArguments),
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArguments {
    /// The request; without it the only one that waits.
    request: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct RequestArguments {
    /// The request.
    request: String,
}

#[derive(Debug, Args)]
pub(crate) struct DeviceArguments {
    /// The device's id, or the first letters of it.
    device: String,
}

#[derive(Debug, Args)]
pub(crate) struct RotateArguments {
    /// The device's id, or the first letters of it.
    device: String,
    /// What the new token may do, at most what the device was approved for.
    #[arg(long = "scope", value_name = "SCOPE", value_parser = scope)]
    scopes: Vec<Scope>,
}

fn scope(name: &str) -> Result<Scope, String> {
    let known = Scope::ALL.into_iter().find(|scope| scope.as_str() == name);
    known.ok_or_else(|| {
        let all: Vec<&str> = Scope::ALL.into_iter().map(Scope::as_str).collect();
        format!("the scopes are {}", all.join(", "))
    })
}

pub(crate) async fn run(context: &Context, command: DevicesCommand) -> Result<(), Failure> {
    let client = Reach::find(context)?.client().await?;
    let all = async || client.call::<DeviceList>(&NoParams {}).await;
    match command {
        DevicesCommand::List => {
            let result = all().await?;
            context.output.result(&result, || list(&result))
        }
        DevicesCommand::Approve(arguments) => {
            let request_id = match arguments.request {
                Some(request) => request,
                None => only_request(&all().await?)?,
            };
            let device = client.call::<DeviceApprove>(&DeviceRequestRef { request_id }).await?;
            context.output.result(&device, || {
                format!("{} may connect with {}", short(&device.device_id), names(device.scopes))
            })
        }
        DevicesCommand::Reject(arguments) => {
            let params = DeviceRequestRef { request_id: arguments.request };
            let request = client.call::<DeviceReject>(&params).await?;
            context
                .output
                .result(&request, || format!("{} was turned away", short(&request.device_id)))
        }
        DevicesCommand::Revoke(arguments) => {
            let device_id = whole_id(&all().await?, &arguments.device)?;
            let device = client.call::<DeviceRevoke>(&DeviceRef { device_id }).await?;
            context.output.result(&device, || {
                format!("{} has to be approved again to connect", short(&device.device_id))
            })
        }
        DevicesCommand::Rotate(arguments) => {
            let device_id = whole_id(&all().await?, &arguments.device)?;
            let scopes = arguments.scopes;
            let scopes = (!scopes.is_empty()).then(|| scopes.into_iter().collect::<ScopeSet>());
            let params = DeviceRotateParams { device_id, scopes };
            let issued = client.call::<DeviceRotate>(&params).await?;
            context.output.result(&issued, || {
                format!(
                    "{} connects with this token from now on, which is shown only once:\n{}",
                    short(&issued.device_id),
                    issued.token
                )
            })
        }
    }
}

fn only_request(all: &DeviceListResult) -> Result<String, Failure> {
    match all.pending.as_slice() {
        [request] => Ok(request.request_id.clone()),
        [] => Err(Failure::failed("no device waits for approval".to_owned())),
        _ => Err(Failure::usage(
            "several devices wait; name one of `openclaw devices list`".to_owned(),
        )),
    }
}

/// The device whose id begins so.
fn whole_id(all: &DeviceListResult, text: &str) -> Result<String, Failure> {
    let begins = |device: &&Device| device.device_id.starts_with(&text.to_lowercase());
    let found: Vec<&Device> = all.devices.iter().filter(begins).collect();
    match found.as_slice() {
        [device] => Ok(device.device_id.clone()),
        // The gateway says that there is none.
        [] => Ok(text.to_owned()),
        _ => Err(Failure::usage(format!("several devices begin with {text}"))),
    }
}

fn list(all: &DeviceListResult) -> String {
    if all.pending.is_empty() && all.devices.is_empty() {
        return "no device has connected yet\n".to_owned();
    }
    let mut text = String::new();
    if !all.pending.is_empty() {
        let rows: Vec<Vec<String>> = all
            .pending
            .iter()
            .map(|request| {
                vec![
                    request.request_id.clone(),
                    name(&request.info),
                    request.address.clone().unwrap_or_else(|| "this machine".to_owned()),
                    names(request.scopes),
                    request.expires_at.to_string(),
                ]
            })
            .collect();
        text.push_str(&table(&["WAITS AS", "DEVICE", "FROM", "ASKS FOR", "UNTIL"], &rows));
    }
    if !all.devices.is_empty() {
        let rows: Vec<Vec<String>> = all.devices.iter().map(row).collect();
        text.push_str(&table(&["ID", "DEVICE", "STANDING", "MAY", "LAST USE"], &rows));
    }
    text
}

fn row(device: &Device) -> Vec<String> {
    let standing = if device.is_approved { "approved" } else { "revoked" };
    let token = device.token.as_ref();
    let used = token.and_then(|token| token.last_used_at).map(|at| at.to_string());
    let may = token.map_or(device.scopes, |token| token.scopes);
    vec![
        short(&device.device_id),
        name(&device.info),
        standing.to_owned(),
        names(may),
        used.unwrap_or_else(|| "-".to_owned()),
    ]
}

fn short(device_id: &str) -> String {
    device_id.chars().take(16).collect()
}

fn name(info: &DeviceInfo) -> String {
    let name = info.name.as_deref().or(info.client_id.as_deref()).unwrap_or("-");
    match info.platform.as_deref() {
        Some(platform) => one_line(&format!("{name} ({platform})"), 40),
        None => one_line(name, 40),
    }
}

fn names(scopes: ScopeSet) -> String {
    let names: Vec<&str> =
        scopes.iter().map(|scope| scope.as_str().trim_start_matches("operator.")).collect();
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}
