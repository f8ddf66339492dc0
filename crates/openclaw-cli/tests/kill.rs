//! A gateway that is killed again and again loses nothing and says nothing twice unknowingly.

use std::time::Duration;

use openclaw_core::Rng as _;
use openclaw_testkit::SeededRng;
use openclaw_testkit::model::ModelServer;
use openclaw_testkit::postgres::PostgresServer;
use tokio::time::{Instant, sleep};

use crate::support::{Telegram, TestGateway};

const SEED: u64 = 20_261_124;
/// From the last start to the last answer; above it something waits for what never comes.
const ALL_ANSWERED: Duration = Duration::from_secs(60);

/// How often the log says that a message to this chat is sent again without knowing.
fn sent_unsure(log: &str, chat: i64) -> usize {
    let told = format!("a message to {chat} is not known; sending it again");
    log.lines().filter(|line| line.contains(&told)).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_kills_lose_nothing_and_repeat_nothing_unknowingly() {
    killed_again_and_again(30, 10, "").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nor_do_kills_with_a_server_that_goes_on() {
    let server = PostgresServer::start().expect("a server");
    let url = server.empty().expect("a place");
    let storage = format!("[storage]\nbackend = \"postgres\"\nurl = \"{url}\"\n");
    killed_again_and_again(10, 6, &storage).await;
}

async fn killed_again_and_again(people: i64, rounds: usize, storage: &str) {
    let (model, telegram) = (ModelServer::start().await, Telegram::start().await);
    let chats: Vec<i64> = (1..=people).map(|number| 9_000 + number).collect();
    for &chat in &chats {
        telegram.bot.add_user(chat, "Person", None);
    }
    let config = format!("{storage}{}", telegram.config("dm_policy = \"open\""));
    let mut gateway = TestGateway::with_model(&model, &config).await;
    let mut interrupted = 0;
    let moments = SeededRng::new(SEED);

    for round in 1..=rounds {
        for &chat in &chats {
            telegram.bot.say(chat, chat, &format!("message {round} of {chat}"));
        }
        sleep(Duration::from_millis(moments.next_u64() % 400)).await;
        gateway.kill_hard().await;
        let answered: usize = chats.iter().map(|&chat| telegram.shown(chat).len()).sum();
        interrupted += usize::from(answered < round * chats.len());
        gateway.restart().await;
    }
    assert!(interrupted >= rounds / 2, "only {interrupted} kills met a gateway at work");

    let began = Instant::now();
    let missing = |chat: i64| {
        let shown = telegram.shown(chat);
        (1..=rounds)
            .map(|round| format!("You said: message {round} of {chat}"))
            .filter(|answer| !shown.iter().any(|sent| sent.text == *answer))
            .collect::<Vec<_>>()
    };
    let all = telegram
        .bot
        .wait_for(
            |_| chats.iter().all(|&chat| missing(chat).is_empty()).then_some(()),
            ALL_ANSWERED,
        )
        .await;
    let lost: Vec<String> = chats.iter().flat_map(|&chat| missing(chat)).collect();
    assert!(all.is_some(), "lost after {:?}: {lost:#?}\n{}", began.elapsed(), gateway.log());

    let log = gateway.log();
    for &chat in &chats {
        let mut texts: Vec<String> =
            telegram.shown(chat).into_iter().map(|sent| sent.text).collect();
        let sent = texts.len();
        texts.dedup();
        let wanted: Vec<String> =
            (1..=rounds).map(|round| format!("You said: message {round} of {chat}")).collect();
        assert_eq!(texts, wanted, "in order, and nothing else (seed {SEED})");
        let unsure = sent_unsure(&log, chat);
        let doubles = sent - rounds;
        assert!(
            doubles <= unsure,
            "chat {chat} has {doubles} doubles and {unsure} were logged\n{log}"
        );
    }
    assert_eq!(telegram.bot.violations(), Vec::<String>::new());
    assert_eq!(model.violations(), Vec::<String>::new());
}
