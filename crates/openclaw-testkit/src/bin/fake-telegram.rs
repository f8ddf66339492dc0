//! The fake of the Telegram Bot API as a program of its own, driven over `POST /control/<token>`.
//!
//! `fake-telegram [--port N] [--token T] [--username NAME]` prints one line of JSON with `base_url`,
//! `control_url` and `token`, then serves until it is ended. The person 1 (`@ann`) has started the bot.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};

use openclaw_testkit::telegram::FakeTelegram;

struct Options {
    port: u16,
    token: String,
    username: String,
}

fn options() -> Result<Options, String> {
    let mut options = Options {
        port: 0,
        token: "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw".to_owned(),
        username: "fake_bot".to_owned(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(name) = arguments.next() {
        let value = arguments.next().ok_or_else(|| format!("{name} needs a value"))?;
        match name.as_str() {
            "--port" => options.port = value.parse().map_err(|_| format!("{value} is no port"))?,
            "--token" => options.token = value,
            "--username" => options.username = value,
            _ => return Err(format!("{name} is not known")),
        }
    }
    Ok(options)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = options()?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let service = FakeTelegram::start_on(address, true).await?;
    let bot = service.add_bot(&options.token, &options.username);
    bot.add_user(1, "Ann", Some("ann"));
    let line = serde_json::json!({
        "base_url": service.base_url(),
        "control_url": format!("{}/control/{}", service.base_url(), options.token),
        "token": options.token,
    });
    let mut output = std::io::stdout();
    writeln!(output, "{line}")?;
    output.flush()?;
    service.serve_until_cancelled().await;
    Ok(())
}
