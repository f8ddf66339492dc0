//! `/v1/responses` where it meets more than one agent.

use openclaw_testkit::model::{ModelServer, Reply, Script};
use serde_json::json;

use crate::support::{TOKEN, TestGateway};

const AGENTS: &str = "[[agents.list]]\nid = \"main\"\n[[agents.list]]\nid = \"other\"\n";

#[tokio::test]
async fn an_answer_is_gone_on_from_by_its_own_agent_only() {
    let model = ModelServer::with(Script::new().on(|_| Some(Reply::text("noted")))).await;
    let gateway = TestGateway::with_model(&model, AGENTS).await;
    let bearer = format!("Bearer {TOKEN}");
    let respond = async |agent: &str, header: Option<&str>, previous: Option<&str>| {
        let mut body = json!({"model": agent, "input": "hi"});
        if let Some(previous) = previous {
            body["previous_response_id"] = json!(previous);
        }
        let mut headers = vec![("authorization", bearer.as_str())];
        headers.extend(header.map(|agent| ("x-openclaw-agent-id", agent)));
        gateway.post("/v1/responses", &headers, &body.to_string()).await
    };
    let first = respond("openclaw/other", None, None).await;
    assert_eq!(first.status, 200, "{}", first.text);
    let id = first.body["id"].as_str().expect("an id");
    assert_eq!(respond("openclaw/other", None, Some(id)).await.status, 200);
    assert_eq!(respond("openclaw", None, Some(id)).await.status, 200);
    assert_eq!(respond("openclaw", Some("other"), Some(id)).await.status, 200);
    for (agent, header) in [("openclaw/main", None), ("openclaw", Some("main"))] {
        let refused = respond(agent, header, Some(id)).await;
        assert_eq!(refused.status, 400, "{agent}: {}", refused.text);
        assert_eq!(refused.body["error"]["param"], "previous_response_id");
    }
}
