use std::sync::Once;
use std::time::Duration;

use openclaw_testkit::telegram::{FakeBot, FakeTelegram};
use serde_json::{Value, json};

pub(crate) const TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";
pub(crate) const ANN: i64 = 5;

/// A fake with one bot and one person, called over plain HTTP.
pub(crate) struct Wire {
    pub(crate) fake: FakeTelegram,
    pub(crate) bot: FakeBot,
    client: reqwest::Client,
}

pub(crate) fn client() -> reqwest::Client {
    static PROVIDER: Once = Once::new();
    PROVIDER.call_once(|| {
        rustls::crypto::ring::default_provider().install_default().expect("installed once");
    });
    reqwest::Client::builder()
        .no_proxy()
        .timeout(Duration::from_secs(10))
        .build()
        .expect("a client can be made")
}

impl Wire {
    pub(crate) async fn start() -> Self {
        let fake = FakeTelegram::start().await;
        let bot = fake.add_bot(TOKEN, "fake_bot");
        bot.add_user(ANN, "Ann", Some("ann"));
        Self { fake, bot, client: client() }
    }

    pub(crate) async fn post(
        &self,
        method: &str,
        params: Value,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let url = format!("{}/bot{TOKEN}/{method}", self.fake.base_url());
        self.client.post(url).json(&params).send().await
    }

    /// The whole answer of a call.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let response = self.post(method, params).await.expect("an answer");
        let status = response.status().as_u16();
        let body: Value = response.json().await.expect("JSON");
        let expected =
            if body["ok"] == true { 200 } else { body["error_code"].as_u64().unwrap_or(0) };
        assert_eq!(u64::from(status), expected, "status and body agree: {body}");
        body
    }

    /// The result of a call that works.
    pub(crate) async fn ok(&self, method: &str, params: Value) -> Value {
        let body = self.call(method, params).await;
        assert_eq!(body["ok"], true, "{body}");
        body["result"].clone()
    }

    /// The words of a refusal.
    pub(crate) async fn refusal(&self, method: &str, params: Value) -> String {
        let body = self.call(method, params).await;
        assert_eq!(body["ok"], false, "{body}");
        body["description"].as_str().expect("a description").to_owned()
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        let url = format!("{}{path}", self.fake.base_url());
        self.client.get(url).send().await.expect("an answer")
    }
}

#[tokio::test]
async fn calls_come_as_json_form_or_query() {
    let wire = Wire::start().await;
    let send = format!("/bot{TOKEN}/sendMessage");
    wire.get(&format!("{send}?chat_id=5&text=by%20query")).await;
    let url = format!("{}{send}", wire.fake.base_url());
    let form = wire
        .client
        .post(&url)
        .header("content-type", "application/x-www-form-urlencoded")
        .body("chat_id=5&text=by+form");
    form.send().await.expect("an answer");
    wire.ok("SENDMESSAGE", json!({ "chat_id": "5", "text": "by json" })).await;
    let texts: Vec<_> = wire.bot.sent(ANN).into_iter().map(|sent| sent.text).collect();
    assert_eq!(texts, ["by query", "by form", "by json"]);
    assert_eq!(wire.bot.violations(), Vec::<String>::new());
    assert_eq!(
        wire.bot.journal_lines().lines().last(),
        Some(r#"{"method":"sendMessage","params":{"chat_id":5,"text":"by json"}}"#)
    );
}

#[tokio::test]
async fn what_no_right_client_does_is_kept() {
    let wire = Wire::start().await;
    wire.ok("sendMessage", json!({ "chat_id": 5, "text": "x", "colour": "red" })).await;
    assert_eq!(wire.refusal("sendSmell", json!({})).await, "Not Found");
    wire.ok("sendMessage", json!({ "chat_id": 5, "text": "x", "disable_notification": "maybe" }))
        .await;
    wire.ok("getUpdates", json!({ "allowed_updates": ["message", "gossip"] })).await;
    assert_eq!(
        wire.bot.violations(),
        [
            "sendMessage: unknown parameter colour",
            "unknown method sendSmell",
            "sendMessage: disable_notification is not Boolean",
            "allowed_updates: unknown kind \"gossip\"",
        ]
    );
}

#[tokio::test]
async fn a_wrong_token_is_refused() {
    let wire = Wire::start().await;
    assert_eq!(wire.get("/bot1:nope/getMe").await.status(), 401);
    assert_eq!(wire.get("/botnope/getMe").await.status(), 404);
    wire.bot.set_revoked(true);
    assert_eq!(wire.refusal("getMe", json!({})).await, "Unauthorized");
}

#[tokio::test]
async fn files_are_downloaded_by_the_path_that_get_file_gives() {
    use openclaw_testkit::telegram::Post;
    let wire = Wire::start().await;
    wire.bot.post(ANN, ANN, Post::document("a.txt", "text/plain", "hello"));
    wire.bot.post(ANN, ANN, Post::document("b.bin", "x/y", "x").claimed_size(21 << 20));
    let updates = wire.ok("getUpdates", json!({})).await;
    let file_id = &updates[0]["message"]["document"]["file_id"];
    let file = wire.ok("getFile", json!({ "file_id": file_id })).await;
    let path = file["file_path"].as_str().expect("a path");
    for path in [path.to_owned(), path.replace('/', "%2F")] {
        let response = wire.get(&format!("/file/bot{TOKEN}/{path}")).await;
        assert_eq!(response.text().await.expect("a body"), "hello");
    }
    assert_eq!(wire.get(&format!("/file/bot{TOKEN}/none")).await.status(), 404);
    let large = &updates[1]["message"]["document"]["file_id"];
    let refusal = wire.refusal("getFile", json!({ "file_id": large })).await;
    assert_eq!(refusal, "Bad Request: file is too big");
}
