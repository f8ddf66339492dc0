use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use openclaw_config::EgressCredential;
use openclaw_core::Secret;
use openclaw_media::{AddressRules, Fetcher};
use openclaw_tools::egress::Egress;
use openclaw_tools::sandbox::{Bubblewrap, Ending, Namespaces, Sandbox};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::support::{Places, containers, docker_engine, helper, job, room, run_in, settings};

/// A host that answers and keeps what it was asked.
async fn host(tasks: &TaskTracker) -> (SocketAddr, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("bound");
    let asked = Arc::new(Mutex::new(String::new()));
    let kept = asked.clone();
    tasks.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            kept.lock().expect("free").push_str(&String::from_utf8_lossy(&head));
            let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello";
            stream.write_all(answer).await.expect("written");
        }
    });
    (address, asked)
}

fn egress() -> Arc<Egress> {
    // Another test may have been first.
    drop(rustls::crypto::ring::default_provider().install_default());
    let rules = AddressRules::public_only().allowing(IpAddr::V4(Ipv4Addr::LOCALHOST));
    Arc::new(Egress::new(Fetcher::builder().rules(rules).build().expect("TLS is set up")))
}

/// A command that asks the proxy for these, prints what comes back, and tries without it.
fn asks(hosts: &[SocketAddr]) -> String {
    let each = hosts.iter().map(|host| {
        format!(
            "exec 3<>/dev/tcp/127.0.0.1/3128; printf 'GET http://{host}/ HTTP/1.1\\r\\n\\r\\n' >&3; cat <&3; echo; \
             (echo > /dev/tcp/{}/{}) 2>&- && echo reached by itself; ",
            host.ip(),
            host.port()
        )
    });
    format!("{} echo; env | grep -c canary; true", each.collect::<String>())
}

async fn only_what_is_granted(
    sandbox: &dyn Sandbox,
    docker: Option<openclaw_config::DockerSettings>,
) {
    let (places, tasks) = (Places::new(), TaskTracker::new());
    let ((granted, _), (other, unasked)) = (host(&tasks).await, host(&tasks).await);
    let (bound, told) = host(&tasks).await;
    let mut room = room(&places);
    room.hosts = vec![granted.to_string()];
    room.credentials = vec![EgressCredential {
        host: bound.to_string(),
        header: "X-Key".to_owned(),
        secret: Secret::new("canary-key"),
    }];
    room.docker = docker.unwrap_or_default();
    let text = asks(&[granted, other, bound]);
    let outcome = run_in(sandbox, &room, job(&["/bin/bash", "-c", &text])).await;
    let (output, ending) = outcome.expect("it starts");
    assert_eq!(ending, Ending::Code(0), "{output}");
    assert_eq!(output.matches("hello").count(), 2, "{output}");
    assert!(output.contains("403") && output.contains("allow_hosts"), "{output}");
    assert!(!output.contains("reached by itself") && !output.contains("canary"), "{output}");
    assert_eq!(*unasked.lock().expect("free"), "");
    assert!(told.lock().expect("free").contains("x-key: canary-key"));
}

#[tokio::test]
async fn s31_s36_from_namespaces_only_what_is_granted_is_reached() {
    only_what_is_granted(&Namespaces::with_egress(helper(), egress()), None).await;
}

#[tokio::test]
async fn s31_s36_from_bubblewrap_only_what_is_granted_is_reached() {
    if std::path::Path::new("/usr/bin/bwrap").exists() {
        only_what_is_granted(&Bubblewrap::installed(helper(), Some(egress())), None).await;
    }
}

#[tokio::test]
async fn s31_s36_from_a_container_only_what_is_granted_is_reached() {
    let Some(docker) = docker_engine() else { return };
    let sandbox = containers(&docker, Some(egress()));
    only_what_is_granted(&sandbox, Some(settings(&docker))).await;
    let own = format!("label=ai.openclaw.gateway=test-{}", std::process::id());
    let mine = docker.podman(&["ps", "-a", "-q", "--filter", &own]).expect("listed");
    assert_eq!(mine, "", "both containers are gone");
}
