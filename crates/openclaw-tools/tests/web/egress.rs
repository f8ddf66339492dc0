use std::net::TcpListener;
use std::sync::Arc;

use openclaw_config::EgressCredential;
use openclaw_core::Secret;
use openclaw_tools::egress::Egress;
use openclaw_tools::sandbox::{Ending, Helper, Job, Namespaces, Room, Sandbox, Streams};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Page, local_fetcher, provide_tls};

/// Sends a head to the proxy and gives the whole answer.
async fn ask(hosts: &[&str], egress: Egress, head: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("bound");
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let serve = Arc::new(egress).serve(listener, &hosts, &[]).expect("it serves");
    let client = async {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(head.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("read");
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::select! {
        answer = client => answer,
        () = serve => panic!("the proxy ended"),
    }
}

#[tokio::test]
async fn only_granted_hosts_are_reached() {
    let page = Page::serve("text/plain", "hello").await;
    let (address, port) = (page.address, page.address.port());
    let granted = format!("127.0.0.1:{port}");
    let get = format!("GET http://{address}/x HTTP/1.1\r\nHost: a\r\nX-Own: yes\r\n\r\n");
    let answer = ask(&[&granted], Egress::new(local_fetcher()), get.clone()).await;
    assert!(answer.ends_with("\r\n\r\nhello"), "{answer}");
    let tunnel = format!("CONNECT {address} HTTP/1.1\r\n\r\nGET /y HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = ask(&[&granted], Egress::new(local_fetcher()), tunnel).await;
    assert!(
        answer.starts_with("HTTP/1.1 200 Connection established\r\n\r\nHTTP/1.1 200 OK"),
        "{answer}"
    );
    let asked = page.asked.lock().expect("free").clone();
    assert!(asked[0].starts_with(&format!("GET /x HTTP/1.1\r\nHost: {address}\r\n")), "{asked:?}");
    assert!(asked[0].contains("X-Own: yes") && asked[1].starts_with("GET /y"), "{asked:?}");
    for hosts in [&[][..], &["example.com"], &["127.0.0.1"]] {
        let answer = ask(hosts, Egress::new(local_fetcher()), get.clone()).await;
        assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
        assert!(
            answer
                .ends_with(&format!("openclaw: {address} is not in agents.sandbox.allow_hosts\n"))
        );
    }
    assert_eq!(page.asked.lock().expect("free").len(), 2);
}

#[tokio::test]
async fn s35_a_granted_name_does_not_open_this_machine() {
    provide_tls();
    let page = Page::serve("text/plain", "inside").await;
    let address = page.address;
    let fetcher = openclaw_media::Fetcher::builder().build().expect("TLS is set up");
    let head = format!("CONNECT {address} HTTP/1.1\r\n\r\n");
    let granted = format!("127.0.0.1:{}", address.port());
    let answer = ask(&[&granted], Egress::new(fetcher), head).await;
    assert!(answer.starts_with("HTTP/1.1 502 "), "{answer}");
    assert!(page.asked.lock().expect("free").is_empty());
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_sandboxed_command_reaches_what_it_was_granted_and_nothing_else() {
    let page = Page::serve("text/plain", "through the wall").await;
    let (address, port) = (page.address, page.address.port());
    let egress = Arc::new(Egress::new(local_fetcher()));
    let helper = Helper::program(env!("CARGO_BIN_EXE_sandbox-helper"));
    let sandbox = Namespaces::with_egress(helper, egress);
    let folder = tempfile::tempdir().expect("a folder");
    let script = format!(
        "exec 3<>/dev/tcp/127.0.0.1/3128; printf 'GET http://{address}/ HTTP/1.1\\r\\n\\r\\n' >&3; tail -n 1 <&3; echo; \
         exec 3<>/dev/tcp/127.0.0.1/3128; printf 'CONNECT example.org:443 HTTP/1.1\\r\\n\\r\\n' >&3; head -n 1 <&3; \
         (echo > /dev/tcp/127.0.0.1/{port}) 2>&- && echo direct; echo $http_proxy"
    );
    let mut room = Room::new(folder.path());
    room.hosts = vec![format!("127.0.0.1:{port}")];
    let job = Job {
        argv: ["/bin/bash", "-c", &script].map(str::to_owned).into(),
        cwd: "/workspace".to_owned(),
        env: Vec::new(),
        streams: Streams::OutputOnly,
    };
    let mut running = sandbox.start(&room, job).await.expect("it starts");
    let mut output = String::new();
    let (read, ending) = tokio::join!(running.output.read_to_string(&mut output), running.ending);
    read.expect("read");
    let expected = "through the wall\nHTTP/1.1 403 Refused\r\nhttp://127.0.0.1:3128\n";
    assert_eq!((output.as_str(), ending), (expected, Ending::Code(0)));
}

/// A credential for one host.
fn bound(host: &str) -> EgressCredential {
    EgressCredential {
        host: host.to_owned(),
        header: "Authorization".to_owned(),
        secret: Secret::new("Bearer canary-secret"),
    }
}

/// Sends a request through a proxy that knows these credentials.
async fn ask_with(credentials: &[EgressCredential], hosts: &[&str], head: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = listener.local_addr().expect("bound");
    let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
    let egress = Arc::new(Egress::new(local_fetcher()));
    let serve = egress.serve(listener, &hosts, credentials).expect("it serves");
    let client = async {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(head.as_bytes()).await.expect("written");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.expect("read");
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::select! {
        answer = client => answer,
        () = serve => panic!("the proxy ended"),
    }
}

#[tokio::test]
async fn s36_a_credential_goes_to_its_host_and_nowhere_else() {
    let (bound_to, other) =
        (Page::serve("text/plain", "hello").await, Page::serve("text/plain", "other").await);
    let credentials = [bound(&bound_to.address.to_string())];
    let get = |page: &Page| {
        format!(
            "GET http://{}/x?q=1 HTTP/1.1\r\nHost: a\r\nAuthorization: mine\r\n\r\n",
            page.address
        )
    };
    let answer = ask_with(&credentials, &[], get(&bound_to)).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("\r\n\r\nhello"), "{answer}");
    let asked = bound_to.asked.lock().expect("free").pop().expect("asked").to_ascii_lowercase();
    assert!(asked.starts_with("get /x?q=1 http/1.1\r\n"), "{asked}");
    assert!(asked.contains("authorization: bearer canary-secret\r\n"), "{asked}");
    assert!(!asked.contains("mine"), "{asked}");
    let allowed = other.address.to_string();
    let answer = ask_with(&credentials, &[&allowed], get(&other)).await;
    assert!(answer.ends_with("other"), "{answer}");
    let asked = other.asked.lock().expect("free").pop().expect("asked");
    assert!(!asked.contains("canary") && asked.contains("mine"), "{asked}");
    // A tunnel is not looked into, and is granted by itself only.
    let tunnel = format!("CONNECT {} HTTP/1.1\r\n\r\n", bound_to.address);
    let answer = ask_with(&credentials, &[], tunnel).await;
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
    assert!(bound_to.asked.lock().expect("free").is_empty());
}

#[tokio::test]
async fn s36_a_redirect_is_handed_on_without_the_credential() {
    let other = Page::serve("text/plain", "other").await;
    let first = Page::redirect(&other.url()).await;
    let credentials = [bound(&first.address.to_string())];
    let get = format!("GET http://{}/ HTTP/1.1\r\nHost: a\r\n\r\n", first.address);
    let answer = ask_with(&credentials, &[], get).await;
    assert!(answer.starts_with("HTTP/1.1 302 ") && answer.contains(&other.url()), "{answer}");
    assert!(other.asked.lock().expect("free").is_empty());
}

#[tokio::test]
async fn s37_a_host_that_says_its_credential_back_does_not_tell_the_command() {
    let echo = Page::serve("text/plain", "you sent Bearer canary-secret, did you?").await;
    let credentials = [bound(&echo.address.to_string())];
    let get = format!("GET http://{}/ HTTP/1.1\r\nHost: a\r\n\r\n", echo.address);
    let answer = ask_with(&credentials, &[], get).await;
    assert!(answer.ends_with("you sent ********************, did you?"), "{answer}");
}
