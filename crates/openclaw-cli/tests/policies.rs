//! Whose answers are sent back.

use openclaw_protocol::methods::{AgentStatusResult, RunInfo};
use openclaw_testkit::model::ModelServer;

use crate::support::{LIMIT, Telegram, TestGateway};

const ANN: i64 = 4_711;
const GROUP: i64 = -77;

/// The runs that the gateway knows.
async fn runs(gateway: &TestGateway) -> Vec<RunInfo> {
    let output = gateway.openclaw(&["--json", "agent", "status"]).await;
    serde_json::from_slice::<AgentStatusResult>(&output.stdout).expect("it is JSON").runs
}

/// Whether a message alone with the assistant, one that names it and one that does not are answered.
async fn answered(rule: &str) -> [bool; 3] {
    let (model, telegram) = (ModelServer::start().await, Telegram::start().await);
    telegram.bot.add_user(ANN, "Ann", None);
    telegram.bot.add_group(GROUP, "Friends", &[ANN]);
    let more = format!(
        "[session]\nreply_back = \"{rule}\"\n{}",
        telegram.config("dm_policy = \"open\"\ngroup_policy = \"open\"\nrequire_mention = false")
    );
    let gateway = TestGateway::with_model(&model, &more).await;
    let said = [(ANN, "alone"), (GROUP, "@assistant_bot named"), (GROUP, "unnamed")];
    for (done, (chat, text)) in said.into_iter().enumerate() {
        telegram.bot.say(chat, ANN, text);
        // All of them have a turn, whose answer is kept.
        model.wait_for_requests(done + 1, LIMIT).await;
        let ended = async {
            loop {
                let runs = runs(&gateway).await;
                if runs.len() == done + 1 && runs.iter().all(|run| run.ended_at.is_some()) {
                    return runs;
                }
            }
        };
        let runs = tokio::time::timeout(LIMIT, ended).await.expect("it ends");
        assert!(runs.iter().all(|run| run.reply.is_some()), "{runs:#?}");
    }
    let mut delivered = runs(&gateway).await;
    delivered.sort_by_key(|run| run.created_at);
    let told: Vec<bool> = delivered.iter().map(|run| run.delivered == Some(true)).collect();
    for chat in [ANN, GROUP] {
        let wanted = said.iter().zip(&told).filter(|((at, _), told)| *at == chat && **told).count();
        telegram.bot.wait_for_sent(chat, wanted, LIMIT).await;
        assert_eq!(telegram.shown(chat).len(), wanted, "{rule}");
    }
    told.try_into().expect("three runs")
}

#[tokio::test]
async fn always() {
    assert_eq!(answered("always").await, [true, true, true]);
}

#[tokio::test]
async fn where_it_is_mentioned() {
    assert_eq!(answered("mention").await, [true, true, false]);
}

#[tokio::test]
async fn only_alone() {
    assert_eq!(answered("direct_only").await, [true, false, false]);
}

#[tokio::test]
async fn never() {
    assert_eq!(answered("never").await, [false, false, false]);
}
