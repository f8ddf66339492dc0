use std::io;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_agents::mcp::{Browser, CredentialFile, McpError, sign_in};
use serde_json::json;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{loaded, server, test};
use crate::context::Context;
use crate::exit::Failure;
use crate::output::Output;

/// How long the owner may take.
const VISIT_LIMIT: Duration = Duration::from_secs(300);

/// How long a browser may take to send a request, and how long that may be.
const REQUEST_LIMIT: Duration = Duration::from_secs(10);
const LONGEST_REQUEST: usize = 16 * 1024;

const PAGE: &str = "<!doctype html><title>OpenClaw</title><p>That is all: go back to the terminal.";

pub(super) async fn login(context: &Context, name: &str) -> Result<(), Failure> {
    let loaded = loaded(context)?;
    let server = server(&loaded.config, name)?;
    let listener = TcpListener::bind(("127.0.0.1", 0))
        .await
        .map_err(|error| Failure::failed(format!("cannot listen for the browser: {error}")))?;
    let port = listener
        .local_addr()
        .map_err(|error| Failure::failed(format!("cannot listen for the browser: {error}")))?
        .port();
    let browser = Terminal {
        output: context.output,
        listener,
        redirect_uri: format!("http://127.0.0.1:{port}/callback"),
    };
    let file = CredentialFile::new(&loaded.config.state_dir, name);
    sign_in(server, None, &file, &browser).await.map_err(|error| test::failure(server, &error))?;
    context.output.result(&json!({ "server": name, "signed_in": true }), || {
        format!("signed in at {name}; `openclaw mcp test {name}` shows its tools")
    })
}

pub(super) fn logout(context: &Context, name: &str) -> Result<(), Failure> {
    let loaded = loaded(context)?;
    let server = server(&loaded.config, name)?;
    let file = CredentialFile::new(&loaded.config.state_dir, name);
    let was_there = file.remove().map_err(|error| test::failure(server, &error))?;
    context.output.result(&json!({ "server": name, "was_signed_in": was_there }), || {
        if was_there { format!("signed out of {name}") } else { format!("{name} had no sign-in") }
    })
}

/// The owner opens the page; the browser comes back to this machine, or its address is pasted.
struct Terminal {
    output: Output,
    listener: TcpListener,
    redirect_uri: String,
}

#[async_trait]
impl Browser for Terminal {
    fn redirect_uri(&self) -> &str {
        &self.redirect_uri
    }

    async fn visit(&self, url: &str) -> Result<String, McpError> {
        self.output.note(&format!(
            "Open this page and allow access:\n\n  {url}\n\nIf the browser is on another machine, \
             paste here the address that it ends at."
        ));
        let came_back = async {
            tokio::select! {
                url = self.browser_comes_back() => url,
                url = pasted() => url,
            }
        };
        match tokio::time::timeout(VISIT_LIMIT, came_back).await {
            Ok(Ok(url)) => Ok(url),
            Ok(Err(error)) => Err(McpError::SignIn(error.to_string())),
            Err(_) => Err(McpError::SignIn("nobody came back within 5 minutes".to_owned())),
        }
    }
}

impl Terminal {
    async fn browser_comes_back(&self) -> io::Result<String> {
        loop {
            let (stream, _) = self.listener.accept().await?;
            // Whoever else connects ends nothing.
            match tokio::time::timeout(REQUEST_LIMIT, asked_for(stream)).await {
                Ok(Ok(Some(target))) => {
                    let base = self.redirect_uri.trim_end_matches("/callback");
                    return Ok(format!("{base}{target}"));
                }
                Ok(Ok(None)) => {}
                Ok(Err(error)) => tracing::debug!(%error, "a request could not be read"),
                Err(_) => tracing::debug!("a request took too long"),
            }
        }
    }
}

/// What a browser asks for; `None` unless it comes back from the sign-in.
async fn asked_for(mut stream: TcpStream) -> io::Result<Option<String>> {
    let mut request = Vec::new();
    while !request.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        let mut buffer = [0; 2048];
        let read = stream.read(&mut buffer).await?;
        if read == 0 || request.len() + read > LONGEST_REQUEST {
            return Ok(None);
        }
        request.extend_from_slice(&buffer[..read]);
    }
    let text = String::from_utf8_lossy(&request);
    let mut words = text.lines().next().unwrap_or_default().split(' ');
    let target = match (words.next(), words.next()) {
        (Some("GET"), Some(target)) if target.starts_with("/callback?") => Some(target.to_owned()),
        _ => None,
    };
    let (line, body) = match target {
        Some(_) => ("200 OK", PAGE),
        None => ("404 Not Found", ""),
    };
    let answer = format!(
        "HTTP/1.1 {line}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await?;
    Ok(target)
}

/// An address that was pasted; waits for ever where there is nothing to read.
async fn pasted() -> io::Result<String> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = lines.next_line().await? {
        let line = line.trim();
        if line.starts_with("http") {
            return Ok(line.to_owned());
        }
    }
    std::future::pending().await
}
