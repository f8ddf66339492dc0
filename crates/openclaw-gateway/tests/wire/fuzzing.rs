//! Generated frames: whatever two clients send, the gateway goes on, answers each its own, and shows
//! neither what is the other's.

use futures_util::{SinkExt as _, StreamExt as _};
use openclaw_gateway::server::ServerLimits;
use openclaw_protocol::registry::METHODS;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore as _, SeedableRng as _};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};

use crate::support::{PATIENCE, TestGateway};

const FRAMES: usize = 100_000;
/// Methods that would show everything, or end everything, if damage took their bad params away.
const APART: [&str; 6] =
    ["session.list", "agent.status", "logs.tail", "keys.list", "gateway.stop", "gateway.restart"];
/// Frames that are sent before their answers are read.
const AT_ONCE: usize = 20;

/// Makes frames of one client; every text in them holds its canary.
struct Generator {
    random: ChaCha8Rng,
    canary: &'static str,
    next: u64,
}

impl Generator {
    fn new(seed: u64, canary: &'static str) -> Self {
        Self { random: ChaCha8Rng::seed_from_u64(seed), canary, next: 0 }
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.random.next_u64() % bound as u64) as usize
    }

    fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        let at = self.below(from.len());
        from[at].clone()
    }

    /// An id that tells whose it is.
    fn id(&mut self) -> Value {
        self.next += 1;
        match self.below(4) {
            0 => json!(format!("{} {}", self.canary, self.next)),
            1 => json!(self.next),
            2 => Value::Null,
            _ => json!(format!("{}\u{0}\u{1f4a5}", self.canary)),
        }
    }

    fn frame(&mut self) -> Message {
        match self.below(1_000) {
            0 => broken_utf8(self.canary),
            1 => Message::Ping(self.canary.as_bytes().to_vec().into()),
            2..=99 => Message::text(self.batch()),
            100..=199 => Message::text(self.damaged()),
            200..=249 => Message::text(self.deep()),
            250..=299 => Message::text(self.huge_number()),
            _ => Message::text(self.call().to_string()),
        }
    }

    fn call(&mut self) -> Value {
        let mut call = json!({"jsonrpc": "2.0"});
        if self.below(10) > 0 {
            call["id"] = self.id();
        }
        let (method, params) = self.method();
        call["method"] = method;
        if let Some(params) = params {
            call["params"] = params;
        }
        match self.below(40) {
            0 => call["jsonrpc"] = json!("1.0"),
            1 => drop(call.as_object_mut().map(|call| call.remove("method"))),
            2 => call["id"] = json!({"canary": self.canary}),
            3 => call["params"] = json!([self.canary]),
            _ => {}
        }
        call
    }

    /// Good calls stay within what is the client's own; all others are nonsense.
    fn method(&mut self) -> (Value, Option<Value>) {
        let session = format!("agent:main:{}", self.canary);
        match self.below(40) {
            0 => {
                let params = json!({"message": self.canary, "session_key": session});
                (json!("agent.run"), Some(params))
            }
            1 => {
                let params = json!({"topics": ["agent.*", "message.*"], "session_key": session});
                (json!("subscribe"), Some(params))
            }
            2 => {
                let params = json!({"session_key": session, "limit": 5});
                (json!("message.history"), Some(params))
            }
            3 => (json!("session_get"), Some(json!({"session_key": session}))),
            4 => (json!("ping"), None),
            5 => (json!(self.canary), Some(json!({"canary": self.canary}))),
            6 => (json!(17), None),
            _ => {
                let method = loop {
                    let method = self.pick(METHODS).name;
                    if !APART.contains(&method) {
                        break method;
                    }
                };
                (json!(method), Some(self.nonsense()))
            }
        }
    }

    /// Params that no method takes.
    fn nonsense(&mut self) -> Value {
        let mut params = json!({"no such param": self.canary});
        for _ in 0..self.below(4) {
            let name =
                self.pick(&["session_key", "limit", "message", "token", "id", "topics", "key"]);
            params[name] = self.value(3);
        }
        params
    }

    fn value(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => json!(self.below(2) == 0),
            2 => json!(self.random.next_u64() as i64),
            3 => json!(f64::from_bits(self.random.next_u64())),
            4 => json!(self.canary.repeat(self.below(20))),
            5 => json!("\u{feff}\u{202e}\u{0}\n\"\\"),
            6 => (0..self.below(4)).map(|_| self.value(depth - 1)).collect(),
            _ => {
                let entries =
                    (0..self.below(4)).map(|at| (format!("k{at}"), self.value(depth - 1)));
                Value::Object(entries.collect())
            }
        }
    }

    fn batch(&mut self) -> String {
        let calls: Vec<String> = (0..self.below(8))
            .map(|_| match self.below(10) {
                0 => "1".to_owned(),
                1 => "[]".to_owned(),
                _ => self.call().to_string(),
            })
            .collect();
        format!("[{}]", calls.join(","))
    }

    /// A call with a byte changed, taken out or put in.
    fn damaged(&mut self) -> String {
        let mut text: Vec<char> = self.call().to_string().chars().collect();
        for _ in 0..=self.below(3) {
            let at = self.below(text.len().max(1));
            match self.below(3) {
                0 if at < text.len() => drop(text.remove(at)),
                1 if at < text.len() => {
                    text[at] = self.pick(&['"', '{', '}', '[', ',', '\\', '\u{7f}', 'é'])
                }
                _ => text
                    .insert(at.min(text.len()), self.pick(&['"', '{', ']', ':', '0', '\u{1f4a5}'])),
            }
        }
        text.into_iter().collect()
    }

    fn deep(&mut self) -> String {
        let depth = self.pick(&[1_usize, 64, 127, 128, 129, 1_000, 20_000]);
        let (open, close) = self.pick(&[("[", "]"), ("{\"a\":", "}")]);
        let middle = if open == "[" { "" } else { "1" };
        let nested = format!("{}{middle}{}", open.repeat(depth), close.repeat(depth));
        format!(
            r#"{{"jsonrpc":"2.0","id":"{}","method":"ping","params":{{"x":{nested}}}}}"#,
            self.canary
        )
    }

    fn huge_number(&mut self) -> String {
        let digits = self.pick(&[
            "9".repeat(20),
            "9".repeat(400),
            "1e309".to_owned(),
            "-0".to_owned(),
            "1e-400".to_owned(),
            "0".repeat(50),
        ]);
        let place = self.pick(&["id", "params"]);
        format!(r#"{{"jsonrpc":"2.0","method":"ping","{place}":{digits}}}"#)
    }
}

/// The answer to one call.
#[derive(serde::Deserialize)]
struct Answered<'a> {
    #[serde(borrow)]
    id: &'a RawValue,
}

/// A text frame whose bytes are no text.
fn broken_utf8(canary: &str) -> Message {
    let mut bytes = canary.as_bytes().to_vec();
    bytes.extend([0xff, 0xfe, 0xc0, 0x80, 0xed, 0xa0, 0x80]);
    Message::Frame(Frame::message(bytes, OpCode::Data(Data::Text), true))
}

/// Sends the frames of one client, over new connections where one was ended, and looks at all that
/// comes back. Gives how many texts came.
async fn talk(gateway: &TestGateway, mut frames: Generator, foreign: &str, count: usize) -> usize {
    let (mut sent, mut read) = (0, 0);
    while sent < count {
        let mut socket = gateway.socket().await.socket;
        'connection: while sent < count {
            for _ in 0..AT_ONCE.min(count - sent) {
                sent += 1;
                if socket.send(frames.frame()).await.is_err() {
                    break 'connection;
                }
            }
            // Whatever is answered, this comes after the calls before it were taken.
            let mark = format!("{} mark {sent}", frames.canary);
            let ping = json!({"jsonrpc": "2.0", "id": mark, "method": "ping"});
            let mark = json!(mark).to_string();
            if socket.send(Message::text(ping.to_string())).await.is_err() {
                break 'connection;
            }
            loop {
                match timeout(PATIENCE, socket.next()).await.expect("an answer in time") {
                    Some(Ok(Message::Text(text))) => {
                        read += 1;
                        assert!(!text.contains(foreign), "{foreign} came to the other: {text}");
                        // An id that no number type holds comes back as it was sent, so ids stay text.
                        let whole: &RawValue = serde_json::from_str(&text).expect("JSON");
                        let answer = serde_json::from_str::<Answered<'_>>(whole.get());
                        if answer.is_ok_and(|answer| answer.id.get() == mark) {
                            break;
                        }
                    }
                    Some(Ok(Message::Close(_)) | Err(_)) | None => break 'connection,
                    Some(Ok(_)) => {}
                }
            }
        }
    }
    read
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_thousand_frames_end_nothing_and_mix_nothing_up() {
    let seed = std::fs::read("/proc/sys/kernel/random/uuid").map_or(7, |bytes| {
        bytes.iter().fold(7, |sum: u64, byte| sum.wrapping_mul(31) + u64::from(*byte))
    });
    println!("seed {seed}");
    let limits = ServerLimits { frames_per_second: u32::MAX, ..ServerLimits::default() };
    let config = "[gateway.rate_limit]\nrequests_per_second = 0\n";
    let gateway = TestGateway::with(config, limits).await;
    let (one, other) = ("canary-of-one", "canary-of-the-other");
    let (first, second) = tokio::join!(
        talk(&gateway, Generator::new(seed, one), other, FRAMES / 2),
        talk(&gateway, Generator::new(seed ^ 1, other), one, FRAMES / 2),
    );
    assert!(first + second > FRAMES / 2, "most frames are answered: {first} + {second}");
    let pong = gateway.call("ping", json!({})).await;
    assert_eq!(pong.expect("still there"), json!({"pong": true}));
}
