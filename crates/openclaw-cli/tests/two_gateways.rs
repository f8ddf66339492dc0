//! Two gateways on one PostgreSQL server: when one is gone or stands still the other goes on, and
//! nothing is done twice or lost.

use std::time::Duration;

use openclaw_testkit::model::{ModelServer, Reply, Script};
use openclaw_testkit::postgres::PostgresServer;
use tokio::time::{Instant, sleep};

use crate::support::{LIMIT, Telegram, TestGateway};

/// A lease is 15 s; who stands by looks every 2 s.
const TAKEOVER: Duration = Duration::from_secs(20);
const STANDSTILL: Duration = Duration::from_secs(60);
const CHATS: [i64; 3] = [701, 702, 703];
/// A chat in which nothing was under way.
const QUIET: i64 = 704;
/// A thoughtful answer, after whoever took over has asked for it anew.
const THOUGHT: Duration = Duration::from_secs(4);
/// Texts with this word are answered after a while, so that a gateway is caught at work.
const SLOW: &str = "ponder";
/// What the gateway says of another poller of its account.
const POLLED_TWICE: &str = "terminated by other getUpdates";

struct World {
    model: ModelServer,
    telegram: Telegram,
    _server: PostgresServer,
    config: String,
}

impl World {
    async fn new() -> Self {
        let slow = Reply::text("I thought about it.").after(THOUGHT);
        let model = ModelServer::with(Script::new().on_user(SLOW, slow)).await;
        let telegram = Telegram::start().await;
        for chat in CHATS.into_iter().chain([QUIET]) {
            telegram.bot.add_user(chat, "Person", None);
        }
        let server = PostgresServer::start().expect("a server");
        let url = server.empty().expect("a place");
        let channel = telegram.config("dm_policy = \"open\"");
        let config = format!("[storage]\nbackend = \"postgres\"\nurl = \"{url}\"\n{channel}");
        Self { model, telegram, _server: server, config }
    }

    async fn gateway(&self) -> TestGateway {
        TestGateway::with_model(&self.model, &self.config).await
    }

    fn say(&self, round: &str) {
        for chat in CHATS {
            self.telegram.bot.say(chat, chat, &format!("{round} of {chat}"));
        }
    }

    /// Says something in the quiet chat, and waits for its answer and until every turn that was
    /// under way is asked for anew.
    async fn taken_over(&self, since: Instant, second: &TestGateway) {
        self.telegram.bot.say(QUIET, QUIET, "who is there");
        let left = || (since + TAKEOVER).saturating_duration_since(Instant::now());
        let is_heard = |_: &_| (self.answers(QUIET, "You said: who is there") > 0).then_some(());
        let heard = self.telegram.bot.wait_for(is_heard, left()).await;
        assert!(heard.is_some(), "nobody hears {:?}\n{}", since.elapsed(), second.log());
        let asked = 3 * CHATS.len() + 1;
        let anew = tokio::time::timeout(left(), self.model.wait_for_requests(asked, LIMIT)).await;
        assert!(anew.is_ok(), "not begun anew {:?}\n{}", since.elapsed(), second.log());
    }

    fn answers(&self, chat: i64, text: &str) -> usize {
        self.telegram.shown(chat).iter().filter(|sent| sent.text == text).count()
    }

    /// Waits until each chat has the answer to this round, and answers how long that took.
    async fn answered(&self, round: &str, limit: Duration, gateways: &[&TestGateway]) -> Duration {
        let began = Instant::now();
        let is_answered = |chat: i64| {
            let text = format!("You said: {round} of {chat}");
            self.answers(chat, &text) > 0
        };
        let all = |_: &_| CHATS.into_iter().all(is_answered).then_some(());
        if self.telegram.bot.wait_for(all, limit).await.is_none() {
            let logs: Vec<String> = gateways.iter().map(|gateway| gateway.log()).collect();
            panic!("{round} is not answered after {:?}\n{}", began.elapsed(), logs.join("\n---\n"));
        }
        began.elapsed()
    }

    /// Each chat shows these answers once. One that was on its way to the service when its gateway
    /// went may stand there twice, and the log says so.
    fn all_once(&self, rounds: &[&str], logs: &str) {
        for chat in CHATS {
            for round in rounds {
                let shown = self.answers(chat, &format!("You said: {round} of {chat}"));
                let told = format!("a message to {chat} is not known; sending it again");
                let unsure = logs.lines().filter(|line| line.contains(&told)).count();
                assert!((1..=1 + unsure).contains(&shown), "{shown} of {round} in {chat}\n{logs}");
            }
        }
        assert_eq!(self.telegram.bot.violations(), Vec::<String>::new());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_gateway_goes_on_when_one_is_killed() {
    let world = World::new().await;
    let mut first = world.gateway().await;
    let second = world.gateway().await;
    world.say("one");
    world.answered("one", LIMIT, &[&first, &second]).await;
    world.say(&format!("two, {SLOW}"));
    world.model.wait_for_requests(2 * CHATS.len(), LIMIT).await;
    first.kill_hard().await;
    let killed = Instant::now();
    world.say("three");
    let slow = |_: &_| {
        let is_answered = |chat: i64| world.answers(chat, "I thought about it.") > 0;
        CHATS.into_iter().all(is_answered).then_some(())
    };
    world.taken_over(killed, &second).await;
    let told = world.telegram.bot.wait_for(slow, THOUGHT + LIMIT).await;
    assert!(told.is_some(), "{:?}\n{}", killed.elapsed(), second.log());
    world.answered("three", LIMIT, &[&second]).await;
    let log = second.log();
    world.all_once(&["one", "three"], &format!("{}{log}", first.log()));
    for chat in CHATS {
        assert_eq!(world.answers(chat, "I thought about it."), 1);
    }
    assert!(!log.contains(POLLED_TWICE), "{log}");
    // Back again, it stands by: the other one keeps the account and the sessions.
    first.restart().await;
    world.say("four");
    world.answered("four", LIMIT, &[&first, &second]).await;
    world.all_once(&["one", "three", "four"], &format!("{}{}", first.log(), second.log()));
    assert!(!second.log().contains(POLLED_TWICE), "{}", second.log());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_stood_still_does_nothing_more() {
    let world = World::new().await;
    let first = world.gateway().await;
    let second = world.gateway().await;
    world.say("one");
    world.answered("one", LIMIT, &[&first, &second]).await;
    world.say(&format!("two, {SLOW}"));
    world.model.wait_for_requests(2 * CHATS.len(), LIMIT).await;
    first.stand_still();
    let stopped = Instant::now();
    world.say("three");
    world.taken_over(stopped, &second).await;
    world.answered("three", THOUGHT + LIMIT, &[&second]).await;
    sleep(STANDSTILL.saturating_sub(stopped.elapsed())).await;
    first.go_on();
    // It finds its runs, its account and its sends taken over.
    world.say("four");
    world.answered("four", LIMIT, &[&first, &second]).await;
    sleep(Duration::from_secs(5)).await;
    world.say("five");
    world.answered("five", LIMIT, &[&first, &second]).await;
    let (log, stood) = (second.log(), first.log());
    for chat in CHATS {
        assert_eq!(world.answers(chat, "I thought about it."), 1, "{chat}\n{stood}\n---\n{log}");
    }
    world.all_once(&["one", "three", "four", "five"], &format!("{stood}{log}"));
    assert!(stood.contains("another gateway took this session over"), "{stood}");
    assert!(!log.contains(POLLED_TWICE), "{log}\n---\n{stood}");
}
