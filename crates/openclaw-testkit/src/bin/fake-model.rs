//! The scripted model server as a process of its own, for end-to-end tests and benchmarks.
//!
//! Prints its address on the first line and serves until its standard input ends or it is killed.

use std::process::ExitCode;
use std::time::Duration;

use openclaw_testkit::model::{ModelServer, Reply, Script, ScriptedCall};
use tokio::io::AsyncReadExt;

const USAGE: &str =
    "usage: fake-model [--port N] [--chunks N] [--chunk TEXT] [--first-ms N] [--gap-ms N] \
     [--tool NAME --arguments JSON] [--echo] [--detached]
  --chunks N      how many chunks of text an answer has (32)
  --chunk TEXT    the text of each (\"word \")
  --first-ms N    silence before the headers (0)
  --gap-ms N      silence between two chunks (0)
  --tool NAME     calls this tool first, and answers when its result is there
  --arguments J   the arguments of that call ({})
  --echo          answers \"You said: <last line>\" instead
  --detached      goes on when standard input ends";

struct Options {
    port: u16,
    chunks: usize,
    chunk: String,
    first: Duration,
    gap: Duration,
    tool: Option<String>,
    arguments: String,
    echo: bool,
    detached: bool,
}

fn parse(arguments: impl Iterator<Item = String>) -> Result<Options, String> {
    let mut options = Options {
        port: 0,
        chunks: 32,
        chunk: "word ".to_owned(),
        first: Duration::ZERO,
        gap: Duration::ZERO,
        tool: None,
        arguments: "{}".to_owned(),
        echo: false,
        detached: false,
    };
    let mut arguments = arguments;
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or(format!("{name} needs a value"));
        let number = |text: String| text.parse().map_err(|_| format!("{text:?} is no number"));
        match name.as_str() {
            "--port" => {
                let text = value()?;
                options.port = text.parse().map_err(|_| format!("{text:?} is no port"))?;
            }
            "--chunks" => {
                let text = value()?;
                options.chunks = text.parse().map_err(|_| format!("{text:?} is no number"))?;
            }
            "--chunk" => options.chunk = value()?,
            "--first-ms" => options.first = Duration::from_millis(number(value()?)?),
            "--gap-ms" => options.gap = Duration::from_millis(number(value()?)?),
            "--tool" => options.tool = Some(value()?),
            "--arguments" => options.arguments = value()?,
            "--echo" => options.echo = true,
            "--detached" => options.detached = true,
            _ => return Err(format!("unknown option {name}")),
        }
    }
    Ok(options)
}

fn script(options: &Options) -> Script {
    if options.echo {
        return Script::new();
    }
    let answer = Reply::chunks(std::iter::repeat_n(options.chunk.clone(), options.chunks))
        .after(options.first)
        .gap(options.gap);
    let script = match &options.tool {
        None => Script::new(),
        Some(name) => {
            let call = Reply::new()
                .then_call(ScriptedCall::raw(name, options.arguments.clone()))
                .after(options.first);
            Script::new().on(move |request| (!request.has_tool_result()).then(|| call.clone()))
        }
    };
    script.on(move |_| Some(answer.clone()))
}

#[tokio::main(flavor = "current_thread")]
#[allow(clippy::print_stdout, clippy::print_stderr, reason = "a program's own output")]
async fn main() -> ExitCode {
    let options = match parse(std::env::args().skip(1)) {
        Ok(options) => options,
        Err(error) => {
            eprintln!("{error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let server = match ModelServer::on_port(script(&options), options.port).await {
        Ok(server) => server,
        Err(error) => {
            eprintln!("cannot listen: {error}");
            return ExitCode::FAILURE;
        }
    };
    println!("{}", server.url());
    if options.detached {
        std::future::pending::<()>().await;
    }
    let mut rest = Vec::new();
    if let Err(error) = tokio::io::stdin().read_to_end(&mut rest).await {
        eprintln!("standard input broke: {error}");
    }
    server.stop().await;
    ExitCode::SUCCESS
}
