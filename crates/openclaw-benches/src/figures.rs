//! The rows of the budget table.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use anyhow::Result;
use openclaw_protocol::event::topic;
use openclaw_protocol::methods::{
    NoParams, Ping, SessionCreate, SessionCreateParams, SessionList, SessionListParams, Subscribe,
    SubscribeParams,
};
use serde::Serialize;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::gateway::{Gateway, Talker, session};
use crate::model::{self, Seen};
use crate::process::{allow_files, cost_of, cpu_of, rss_of};

/// One measured row.
#[derive(Debug, Clone, Serialize)]
pub struct Figure {
    /// What was measured.
    pub what: &'static str,
    /// The figure.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// The budget in the same unit.
    pub budget: f64,
    /// Whether more is better.
    pub at_least: bool,
}

impl Figure {
    fn at_most(what: &'static str, value: f64, budget: f64, unit: &'static str) -> Self {
        Self { what, value, unit, budget, at_least: false }
    }

    /// Whether the budget holds.
    pub fn holds(&self) -> bool {
        if self.at_least { self.value >= self.budget } else { self.value <= self.budget }
    }
}

const MIB: f64 = 1_048_576.0;
const SESSIONS: u64 = 10_000;
const MOST_FILES: u64 = 12_000;

/// Measures everything; `turns` is the length of the long run.
///
/// # Errors
/// When the program cannot be started or fails.
pub async fn measure(program: &Path, turns: u64) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let tasks = TaskTracker::new();
    // For this program, which holds the other ends, and for the gateways that it starts.
    allow_files(MOST_FILES)?;
    program_alone(program, &mut figures)?;
    figures.push(start(program, &tasks).await?);
    let (port, seen) = model::serve(&tasks).await?;
    let gateway = Gateway::start(program, port).await?;
    tokio::time::sleep(Duration::from_secs(3)).await;
    figures.push(Figure::at_most(
        "idle RSS, web channel only",
        rss_of(gateway.pid())? as f64 / MIB,
        30.0,
        "MiB",
    ));
    turns_one_by_one(&gateway, &seen, &mut figures).await?;
    reads(&gateway, &mut figures).await?;
    sockets(&gateway, &mut figures).await?;
    many_sessions(&gateway, &mut figures).await?;
    drop(gateway);
    let gateway = Gateway::start(program, port).await?;
    many_sockets(&gateway, &mut figures).await?;
    drop(gateway);
    let gateway = Gateway::start(program, port).await?;
    crowd(&gateway, &mut figures).await?;
    drop(gateway);
    let gateway = Gateway::start(program, port).await?;
    concurrent(&gateway, turns, &mut figures).await?;
    Ok(figures)
}

/// Measures only turns one after another on a gateway of their own.
///
/// # Errors
/// When the program cannot be started or fails.
pub async fn measure_turns(program: &Path) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let (port, seen) = model::serve(&TaskTracker::new()).await?;
    let gateway = Gateway::start(program, port).await?;
    turns_one_by_one(&gateway, &seen, &mut figures).await?;
    reads(&gateway, &mut figures).await?;
    Ok(figures)
}

/// What twenty calls of `read` add to a turn: against two turns without tools, as such a turn asks the
/// model twice.
async fn reads(gateway: &Gateway, figures: &mut Vec<Figure>) -> Result<()> {
    const TURNS: u32 = 50;
    gateway.put(model::NOTE, &"a line of a note\n".repeat(40))?;
    let mut talker = Talker::connect(gateway, "reads").await?;
    let mut spent = Vec::new();
    for (first, message, turns) in [(5_000, "hello", 2 * TURNS), (6_000, model::READ_ALL, TURNS)] {
        // The first is not counted: it warms up.
        talker.say(&session(first)?, message).await?;
        let before = cpu_of(gateway.pid())?;
        for turn in 1..=turns {
            talker.say(&session(first + u64::from(turn))?, message).await?;
        }
        spent.push(ms(cpu_of(gateway.pid())? - before));
    }
    let more = (spent[1] - spent[0]) / f64::from(TURNS);
    figures.push(Figure::at_most("CPU that 20 calls of read add to a turn", more, 20.0, "ms"));
    Ok(())
}

fn program_alone(program: &Path, figures: &mut Vec<Figure>) -> Result<()> {
    let (cpu, rss) = cost_of(program, &["--version"], 50)?;
    figures.push(Figure::at_most("--version, CPU", ms(cpu), 4.0, "ms"));
    figures.push(Figure::at_most("--version, peak RSS", rss as f64 / MIB, 10.0, "MiB"));
    figures.push(Figure::at_most(
        "binary",
        std::fs::metadata(program)?.len() as f64 / 1e6,
        80.0,
        "MB",
    ));
    Ok(())
}

async fn start(program: &Path, tasks: &TaskTracker) -> Result<Figure> {
    let (port, _) = model::serve(tasks).await?;
    let mut fastest = Duration::MAX;
    for _ in 0..5 {
        fastest = fastest.min(Gateway::start(program, port).await?.ready_after);
    }
    Ok(Figure::at_most(
        "start to the first authenticated answer, fastest of 5",
        ms(fastest),
        50.0,
        "ms",
    ))
}

async fn turns_one_by_one(
    gateway: &Gateway,
    seen: &Arc<Seen>,
    figures: &mut Vec<Figure>,
) -> Result<()> {
    let mut talker = Talker::connect(gateway, "one").await?;
    let key = session(0)?;
    talker.turn(&key).await?;
    let hello = seen.first_bytes.load(Ordering::Relaxed) as f64 / 1024.0;
    figures.push(Figure::at_most("request for a first \"hello\"", hello, 12.0, "KiB"));
    for _ in 0..50 {
        talker.turn(&key).await?;
    }
    let requests = seen.requests.load(Ordering::Relaxed);
    let before = cpu_of(gateway.pid())?;
    let mut waits = Vec::new();
    const TURNS: u32 = 500;
    for _ in 0..TURNS {
        let asked = Instant::now();
        seen.arrivals.lock().expect("no panic while arrivals are held").clear();
        talker.turn(&key).await?;
        if let Some(came) = seen.arrivals.lock().expect("no panic while arrivals are held").first()
        {
            waits.push(came.duration_since(asked));
        }
    }
    let spent = cpu_of(gateway.pid())? - before;
    waits.sort();
    let p99 = waits.get(waits.len() * 99 / 100).copied().unwrap_or_default();
    figures.push(Figure::at_most(
        "CPU per turn, stored and streamed",
        ms(spent) / f64::from(TURNS),
        1.5,
        "ms",
    ));
    figures.push(Figure::at_most("message to model request, p99", ms(p99), 10.0, "ms"));
    let calls = (seen.requests.load(Ordering::Relaxed) - requests) as f64 / f64::from(TURNS);
    figures.push(Figure::at_most("model calls per turn without tools", calls, 1.0, ""));
    Ok(())
}

async fn sockets(gateway: &Gateway, figures: &mut Vec<Figure>) -> Result<()> {
    const SOCKETS: usize = 1_000;
    let before = rss_of(gateway.pid())?;
    let mut open = Vec::with_capacity(SOCKETS);
    for _ in 0..SOCKETS {
        open.push(gateway.connect().await?);
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    let grown = rss_of(gateway.pid())?.saturating_sub(before) as f64 / 1024.0 / SOCKETS as f64;
    figures.push(Figure::at_most("an idle WebSocket client", grown, 12.0, "KiB"));
    Ok(())
}

/// Ten thousand clients that do nothing, before and after each has sent one long message.
async fn many_sockets(gateway: &Gateway, figures: &mut Vec<Figure>) -> Result<()> {
    const SOCKETS: usize = 10_000;
    const LONG: usize = 60_000;
    let before = rss_of(gateway.pid())?;
    let mut open = Vec::with_capacity(SOCKETS);
    for _ in 0..SOCKETS {
        open.push(gateway.connect().await?);
    }
    let each = async || {
        // What was answered last is written and let go.
        tokio::time::sleep(Duration::from_secs(2)).await;
        let grown = rss_of(gateway.pid())?.saturating_sub(before);
        anyhow::Ok(grown as f64 / 1024.0 / SOCKETS as f64)
    };
    figures.push(Figure::at_most("an idle client of 10,000", each().await?, 12.0, "KiB"));
    let long = SessionListParams { search: Some("x".repeat(LONG)), ..SessionListParams::default() };
    for (client, _) in &open {
        // Too long for a search; only its length counts here.
        let answered = client.call::<SessionList>(&long).await;
        anyhow::ensure!(answered.is_ok() || client.call::<Ping>(&NoParams {}).await.is_ok());
    }
    figures.push(Figure::at_most("the same after 60 KB from each", each().await?, 12.0, "KiB"));
    Ok(())
}

/// A thousand clients listen to 32 sessions that talk at once.
async fn crowd(gateway: &Gateway, figures: &mut Vec<Figure>) -> Result<()> {
    const LISTENERS: usize = 1_000;
    const TALKERS: u64 = 32;
    const TURNS: u64 = 4;
    let tasks = TaskTracker::new();
    let all = usize::try_from(TALKERS * TURNS)?;
    let mut listening = Vec::with_capacity(LISTENERS);
    for _ in 0..LISTENERS {
        let (client, mut events) = gateway.connect().await?;
        let topics = vec!["agent.*".to_owned()];
        let params = SubscribeParams { topics, session_key: None, from_seq: None };
        client.call::<Subscribe>(&params).await?;
        listening.push(tasks.spawn(async move {
            let _client = client;
            let mut ends = 0;
            while ends < all {
                let next = tokio::time::timeout(Duration::from_secs(60), events.next()).await;
                match next {
                    Ok(Some(event)) => ends += usize::from(event.topic == topic::AGENT_DONE),
                    Ok(None) | Err(_) => break,
                }
            }
            all - ends
        }));
    }
    let mut running = Vec::new();
    for number in 0..TALKERS {
        let mut talker = Talker::connect(gateway, &format!("crowd{number}")).await?;
        running.push(tasks.spawn(async move {
            for _ in 0..TURNS {
                talker.turn(&session(number)?).await?;
            }
            anyhow::Ok(())
        }));
    }
    for run in running {
        run.await??;
    }
    let mut missed = 0;
    for listener in listening {
        missed += listener.await?;
    }
    figures.push(Figure::at_most(
        "ends of runs missed by 1,000 listeners, 32 sessions",
        missed as f64,
        0.0,
        "",
    ));
    Ok(())
}

async fn many_sessions(gateway: &Gateway, figures: &mut Vec<Figure>) -> Result<()> {
    let mut talker = Talker::connect(gateway, "many").await?;
    for _ in 0..SESSIONS {
        talker.client().call::<SessionCreate>(&SessionCreateParams::default()).await?;
    }
    let list = SessionListParams { limit: Some(50), ..SessionListParams::default() };
    talker.client().call::<SessionList>(&list).await?;
    let before = cpu_of(gateway.pid())?;
    const LISTS: u32 = 1_000;
    for _ in 0..LISTS {
        talker.client().call::<SessionList>(&list).await?;
    }
    let per_list = ms(cpu_of(gateway.pid())? - before) / f64::from(LISTS);
    figures.push(Figure::at_most("session.list of 50 among 10,000, CPU", per_list, 0.2, "ms"));
    let key = session(1)?;
    for _ in 0..20 {
        talker.turn(&key).await?;
    }
    let before = cpu_of(gateway.pid())?;
    const TURNS: u32 = 500;
    for _ in 0..TURNS {
        talker.turn(&key).await?;
    }
    let per_turn = ms(cpu_of(gateway.pid())? - before) / f64::from(TURNS);
    figures.push(Figure::at_most("CPU per turn with 10,000 sessions", per_turn, 1.5, "ms"));
    Ok(())
}

async fn concurrent(gateway: &Gateway, turns: u64, figures: &mut Vec<Figure>) -> Result<()> {
    const TALKERS: u64 = 32;
    const SESSIONS: u64 = 500;
    let tasks = TaskTracker::new();
    let began = Instant::now();
    let mut running = Vec::new();
    for number in 0..TALKERS {
        let mut talker = Talker::connect(gateway, &format!("c{number}")).await?;
        running.push(tasks.spawn(async move {
            for turn in 0..turns / TALKERS {
                talker.turn(&session(number + TALKERS * (turn % (SESSIONS / TALKERS)))?).await?;
            }
            anyhow::Ok(())
        }));
    }
    for run in running {
        run.await??;
    }
    let rate = (turns / TALKERS * TALKERS) as f64 / began.elapsed().as_secs_f64();
    figures.push(Figure {
        what: "turns per second, 32 sessions",
        value: rate,
        unit: "/s",
        budget: 500.0,
        at_least: true,
    });
    tokio::time::sleep(Duration::from_secs(2)).await;
    figures.push(Figure::at_most(
        "RSS after the long run over 500 sessions",
        rss_of(gateway.pid())? as f64 / MIB,
        60.0,
        "MiB",
    ));
    Ok(())
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1_000.0
}
