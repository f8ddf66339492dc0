//! What the guarded client reaches, what it sends, and where it stops.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use openclaw_core::Secret;
use openclaw_media::{
    AddressRules, Credential, FetchRequest, Fetcher, Lookup, MediaError, MediaStore,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};

const SERVER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
const INSIDE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));

/// A server on 127.0.0.1 that answers by path and remembers the requests.
struct Server {
    address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
    _task: AbortOnDropHandle<()>,
}

impl Server {
    async fn start(answer: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind((SERVER, 0)).await.expect("bound");
        let address = listener.local_addr().expect("bound");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = requests.clone();
        let task = TaskTracker::new().spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    match socket.read_u8().await {
                        Ok(byte) => request.push(byte),
                        Err(_) => break,
                    }
                }
                let request = String::from_utf8(request).expect("text");
                let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
                seen.lock().expect("not poisoned").push(request);
                // The client may have gone.
                drop(socket.write_all(&answer(&path)).await);
            }
        });
        Self { address, requests, _task: AbortOnDropHandle::new(task) }
    }

    fn url(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.address.port())
    }

    fn requests(&self) -> Vec<String> {
        self.requests.lock().expect("not poisoned").clone()
    }
}

fn page(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn redirect(to: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 302 Found\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )
    .into_bytes()
}

/// Names with the answers they give one after the other; the last one stays.
#[derive(Debug, Default)]
struct Names(Mutex<HashMap<String, Vec<Vec<IpAddr>>>>);

impl Lookup for Names {
    fn lookup(&self, name: String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let mut names = self.0.lock().expect("not poisoned");
        let answer = names
            .get_mut(&name)
            .map(|answers| if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() });
        let answer = answer.ok_or_else(|| io::Error::other("no such name"));
        Box::pin(std::future::ready(answer))
    }
}

fn fetcher(names: &[(&str, &[&[IpAddr]])]) -> Fetcher {
    // Another test of this process may have installed it.
    drop(rustls::crypto::ring::default_provider().install_default());
    let names = names
        .iter()
        .map(|(name, answers)| {
            ((*name).to_owned(), answers.iter().map(|answer| answer.to_vec()).collect())
        })
        .collect();
    Fetcher::builder()
        .lookup(Arc::new(Names(Mutex::new(names))))
        .rules(AddressRules::public_only().allowing(SERVER))
        .build()
        .expect("built")
}

fn a_com() -> Fetcher {
    fetcher(&[("a.com", &[&[SERVER]]), ("b.com", &[&[SERVER]]), ("in.com", &[&[INSIDE]])])
}

fn header<'a>(request: &'a str, name: &str) -> Option<&'a str> {
    request.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

#[tokio::test]
async fn a_page_is_fetched_and_nothing_but_the_request_is_sent() {
    let server = Server::start(|path| match path {
        "/start?q=1" => redirect("/end"),
        _ => page("<p>hi</p>"),
    })
    .await;
    let request = FetchRequest::new(server.url("a.com", "/start?q=1"), 1_000).accept("text/html");
    let fetched = a_com().get(&request).await.expect("fetched");
    assert_eq!(fetched.body, "<p>hi</p>");
    assert_eq!(fetched.declared_type.as_deref(), Some("text/html"));
    assert_eq!(fetched.url.as_str(), server.url("a.com", "/end"));
    for request in server.requests() {
        let mut names: Vec<String> = request
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':').map(|(name, _)| name.to_ascii_lowercase()))
            .collect();
        names.sort();
        assert_eq!(names, ["accept", "host", "user-agent"], "{request}");
    }
}

#[tokio::test]
async fn names_and_redirects_that_lead_inside_are_refused_without_a_connection() {
    let server = Server::start(|path| match path {
        "/literal" => redirect("http://127.0.0.2:1/"),
        "/decimal" => redirect("http://2130706434:1/"),
        "/mapped" => redirect("http://[::ffff:127.0.0.1]:1/"),
        "/metadata" => redirect("http://169.254.169.254/latest/meta-data"),
        "/name" => redirect("http://in.com/"),
        "/local" => redirect("http://localhost/"),
        "/file" => redirect("file:///etc/passwd"),
        "/gopher" => redirect("gopher://a.com/"),
        "/userinfo" => redirect("http://me:secret@a.com/"),
        "/nowhere" => redirect("http://"),
        _ => page("reached"),
    })
    .await;
    let inside = TcpListener::bind((INSIDE, 0)).await.expect("bound");
    let port = inside.local_addr().expect("bound").port();
    let fetcher = a_com();
    let direct = [
        format!("http://in.com:{port}/"),
        format!("http://127.0.0.2:{port}/"),
        format!("http://127.0.2:{port}/"),
        "ftp://a.com/".to_owned(),
        "data:text/plain,hi".to_owned(),
        "http://me@a.com/".to_owned(),
        "not a url".to_owned(),
        format!("http://a.com/{}", "x".repeat(9_000)),
    ];
    let redirected = [
        "literal", "decimal", "mapped", "metadata", "name", "local", "file", "gopher", "userinfo",
        "nowhere",
    ]
    .map(|path| server.url("a.com", &format!("/{path}")));
    for url in direct.iter().chain(&redirected) {
        let outcome = fetcher.get(&FetchRequest::new(url.clone(), 1_000)).await;
        assert!(matches!(outcome, Err(MediaError::Refused { .. })), "{url}: {outcome:?}");
    }
    let connected = tokio::time::timeout(Duration::from_millis(20), inside.accept()).await;
    assert!(connected.is_err(), "the service inside was reached");
    assert_eq!(server.requests().len(), redirected.len());
}

#[tokio::test]
async fn of_mixed_addresses_only_the_allowed_are_used_and_a_change_of_mind_is_seen() {
    let server = Server::start(|_| page("ok")).await;
    let fetcher = fetcher(&[
        ("mixed.com", &[&[INSIDE, SERVER]]),
        ("rebind.com", &[&[SERVER], &[INSIDE]]),
        ("empty.com", &[&[]]),
    ]);
    let mixed = FetchRequest::new(server.url("mixed.com", "/"), 10);
    assert_eq!(fetcher.get(&mixed).await.expect("fetched").body, "ok");
    let rebind = FetchRequest::new(server.url("rebind.com", "/"), 10);
    assert_eq!(fetcher.get(&rebind).await.expect("fetched").body, "ok");
    let second = fetcher.get(&rebind).await.expect_err("it points inside now");
    assert_eq!(
        second.to_string(),
        format!(
            "{} may not be fetched: the address is this machine's own",
            server.url("rebind.com", "")
        )
    );
    let empty = FetchRequest::new(server.url("empty.com", "/"), 10);
    assert!(matches!(fetcher.get(&empty).await, Err(MediaError::Refused { .. })));
}

#[tokio::test]
async fn five_redirects_are_followed_and_no_more() {
    let server = Server::start(|path| match path.trim_start_matches('/').parse::<u32>() {
        Ok(0) | Err(_) => page("there"),
        Ok(left) => redirect(&format!("/{}", left - 1)),
    })
    .await;
    let fetcher = a_com();
    let fetched = fetcher.get(&FetchRequest::new(server.url("a.com", "/5"), 10)).await;
    assert_eq!(fetched.expect("fetched").body, "there");
    let refused = fetcher.get(&FetchRequest::new(server.url("a.com", "/6"), 10)).await;
    assert!(refused.expect_err("too many").to_string().ends_with("it redirects more than 5 times"));
}

#[tokio::test]
async fn a_credential_stays_with_its_origin() {
    let other = Server::start(|_| page("other")).await;
    let (other_port, other_host) = (other.url("a.com", "/"), other.url("b.com", "/"));
    let server = Server::start(move |path| match path {
        "/same" => redirect("/end"),
        "/port" => redirect(&other_port),
        "/host" => redirect(&other_host),
        _ => page("end"),
    })
    .await;
    let fetcher = a_com();
    for (url, sent_here, sent_there) in [
        (server.url("A.com", "/same"), &[true, true][..], &[][..]),
        (server.url("b.com", "/end"), &[false], &[]),
        (server.url("a.com", "/port"), &[true], &[false]),
        (server.url("a.com", "/host"), &[true], &[false]),
    ] {
        let before = (server.requests().len(), other.requests().len());
        let credential = Credential::bearer("a.com", &Secret::new("canary"));
        let request = FetchRequest::new(url.clone(), 100).credential(credential);
        fetcher.get(&request).await.expect("fetched");
        let sent = |server: &Server, before: usize| -> Vec<bool> {
            server.requests()[before..]
                .iter()
                .map(|request| header(request, "authorization") == Some("Bearer canary"))
                .collect()
        };
        assert_eq!(sent(&server, before.0), sent_here, "{url}");
        assert_eq!(sent(&other, before.1), sent_there, "{url}");
    }
}

#[tokio::test]
async fn a_credential_that_was_dropped_does_not_come_back() {
    let port = Arc::new(Mutex::new(0));
    let own = port.clone();
    let server = Server::start(move |path| {
        let port = *own.lock().expect("not poisoned");
        match path {
            "/1" => redirect(&format!("http://b.com:{port}/2")),
            "/2" => redirect(&format!("http://a.com:{port}/3")),
            _ => page("end"),
        }
    })
    .await;
    *port.lock().expect("not poisoned") = server.address.port();
    let credential = Credential::bearer("a.com", &Secret::new("canary"));
    let request = FetchRequest::new(server.url("a.com", "/1"), 100).credential(credential);
    assert!(!format!("{request:?}").contains("canary"));
    a_com().get(&request).await.expect("fetched");
    let sent: Vec<bool> = server
        .requests()
        .iter()
        .map(|request| header(request, "authorization").is_some())
        .collect();
    assert_eq!(sent, [true, false, false]);
}

#[tokio::test]
async fn a_body_above_the_limit_is_not_taken() {
    let server = Server::start(|path| match path {
        "/declared" => b"HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n".to_vec(),
        "/endless" => {
            let mut answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_vec();
            answer.extend(vec![b'x'; 1_000_000]);
            answer
        }
        _ => page("0123456789"),
    })
    .await;
    let folder = tempfile::tempdir().expect("a folder");
    let store = MediaStore::new(folder.path());
    let fetcher = a_com();
    for path in ["/declared", "/endless"] {
        let request = FetchRequest::new(server.url("a.com", path), 10);
        let outcome = fetcher.get(&request).await;
        assert!(matches!(outcome, Err(MediaError::TooLarge { limit: 10, .. })), "{outcome:?}");
        let outcome = fetcher.get_to_store(&request, &store).await;
        assert!(matches!(outcome, Err(MediaError::TooLarge { limit: 10, .. })), "{outcome:?}");
    }
    let left = std::fs::read_dir(folder.path().join("tmp")).expect("listed").count();
    assert_eq!(left, 0, "nothing half is left");
    let request = FetchRequest::new(server.url("a.com", "/files/a.txt?x=1"), 10);
    let stored = fetcher.get_to_store(&request, &store).await.expect("stored");
    assert_eq!((stored.size_bytes, stored.file_name.as_deref()), (10, Some("a.txt")));
    assert_eq!(stored.mime_type, "text/plain", "what the peer declares does not count");
    let named = fetcher.get_to_store(&request.file_name("b/c.md"), &store).await.expect("stored");
    assert_eq!(named.file_name.as_deref(), Some("c.md"));
    assert_eq!(store.read(&stored.media_id, 10).await.expect("read"), b"0123456789");
}

#[tokio::test]
async fn failures_say_what_happened_without_the_query() {
    let server = Server::start(|path| match path {
        "/silent?token=canary" => Vec::new(),
        "/cut?token=canary" => b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc".to_vec(),
        _ => b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_vec(),
    })
    .await;
    let fetcher = a_com();
    let failure = async |path: &str| {
        let request = FetchRequest::new(server.url("a.com", path), 100);
        fetcher.get(&request).await.expect_err("fails")
    };
    let missing = failure("/none?token=canary").await;
    assert_eq!(missing.to_string(), format!("{} answered 404", server.url("a.com", "")));
    for path in ["/silent?token=canary", "/cut?token=canary"] {
        let error = failure(path).await;
        assert!(matches!(error, MediaError::Fetch { .. }), "{error:?}");
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
    let unknown = fetcher.get(&FetchRequest::new("http://unknown.example/", 1)).await;
    assert!(matches!(unknown, Err(MediaError::Fetch { .. })), "{unknown:?}");
}

#[tokio::test]
async fn a_peer_that_says_nothing_is_left_in_time() {
    let listener = TcpListener::bind((SERVER, 0)).await.expect("bound");
    let port = listener.local_addr().expect("bound").port();
    let request = FetchRequest::new(format!("http://a.com:{port}/?token=canary"), 10)
        .time_limit(Duration::from_millis(50));
    let error = a_com().get(&request).await.expect_err("out of time");
    assert_eq!(error.to_string(), format!("http://a.com:{port} took longer than 0 s"));
}

#[tokio::test]
async fn a_host_to_connect_to_is_a_host_and_nothing_more() {
    let server = Server::start(|_| page("reached")).await;
    let (fetcher, port) = (a_com(), server.address.port());
    fetcher.connect("a.com", port).await.expect("connected");
    for host in ["a.com/x.b.com", "a.com?x.b.com", "a.com#x.b.com", "a.com\\x.b.com", "x@a.com"] {
        let error = fetcher.connect(host, port).await.expect_err(host);
        assert!(matches!(error, MediaError::Refused { .. }), "{host}: {error}");
    }
}
