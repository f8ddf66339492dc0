use std::fmt;

use openclaw_client::{Client, ClientError};
use serde_json::{Value, json};

use crate::support::{LIMIT, TOKEN, TestGateway};

/// A way in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    Http,
    WebSocket,
}

pub(super) const WAYS: [Way; 2] = [Way::Http, Way::WebSocket];

/// A signed-in client that uses one way.
pub(super) struct Caller<'g> {
    gateway: &'g TestGateway,
    credential: String,
    /// Over `/ws`.
    client: Option<Client>,
}

/// An error object.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) code: i64,
    pub(super) data: Value,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.code, self.data)
    }
}

impl<'g> Caller<'g> {
    /// With the owner's token.
    pub(super) async fn new(gateway: &'g TestGateway, way: Way) -> Self {
        Self::with_credential(gateway, way, TOKEN).await
    }

    pub(super) async fn with_credential(
        gateway: &'g TestGateway,
        way: Way,
        credential: &str,
    ) -> Self {
        let client = match way {
            Way::Http => None,
            Way::WebSocket => Some(gateway.connect_as(Some(credential)).await.0),
        };
        Self { gateway, credential: credential.to_owned(), client }
    }

    pub(super) async fn call(&self, method: &str, params: &Value) -> Result<Value, Refusal> {
        match &self.client {
            Some(client) => match client.call_raw(method, params, LIMIT).await {
                Ok(result) => Ok(serde_json::from_str(result.get()).expect("it is JSON")),
                Err(ClientError::Rpc(error)) => Err(Refusal {
                    code: error.code,
                    data: serde_json::to_value(&error.data).expect("it is JSON"),
                }),
                Err(error) => panic!("{method}: {error}"),
            },
            None => {
                let request =
                    json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
                let mut answer =
                    self.gateway.post_rpc(Some(&self.credential), &request.to_string()).await.body;
                assert_eq!(answer["id"], 1, "{method}: {answer}");
                match answer["error"]["code"].as_i64() {
                    Some(code) => Err(Refusal { code, data: answer["error"]["data"].take() }),
                    None => Ok(answer["result"].take()),
                }
            }
        }
    }
}
