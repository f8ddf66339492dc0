use std::sync::Arc;

use async_trait::async_trait;
use openclaw_protocol::ErrorObject;
use openclaw_protocol::envelope::{ServerFrame, request};
use serde_json::Value;

use super::Asked;
use crate::GatewayState;
use crate::rpc::{Caller, answer};

/// Calls methods of a gateway for whoever asks.
#[async_trait]
pub trait Rpc: Send + Sync + 'static {
    /// Calls one and waits for its result.
    ///
    /// # Errors
    /// [`RpcError`] with what the gateway says.
    async fn call(&self, method: &str, params: Value, asked: &Asked) -> Result<Value, RpcError>;
}

/// What the gateway says instead of a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RpcError {
    /// The code.
    pub code: i32,
    /// What happened, and what to do.
    pub message: String,
}

impl From<ErrorObject> for RpcError {
    fn from(error: ErrorObject) -> Self {
        let message = match error.data.as_ref().and_then(|data| data.hint.as_deref()) {
            Some(hint) => format!("{} ({hint})", error.message),
            None => error.message.clone(),
        };
        Self { code: i32::try_from(error.code).unwrap_or(-32603), message }
    }
}

/// The gateway's own dispatch, for the caller that came with the request.
#[derive(Debug)]
pub(crate) struct Dispatched(pub(crate) Arc<GatewayState>);

#[async_trait]
impl Rpc for Dispatched {
    async fn call(&self, method: &str, params: Value, asked: &Asked) -> Result<Value, RpcError> {
        let internal = |message: &str| RpcError { code: -32603, message: message.to_owned() };
        let parts = asked.extensions.get::<http::request::Parts>();
        let caller = parts.and_then(|parts| parts.extensions.get::<Arc<Caller>>());
        let caller = caller.ok_or_else(|| internal("the request names no caller"))?;
        let text = request(1, method, &params).map_err(|error| internal(&error.to_string()))?;
        let answer = answer(&self.0, caller, &text).await;
        let answer = answer.ok_or_else(|| internal("the method gave no answer"))?;
        match ServerFrame::parse(&answer) {
            Ok(Some(ServerFrame::Response { outcome: Ok(result), .. })) => {
                serde_json::from_str(result.get()).map_err(|error| internal(&error.to_string()))
            }
            Ok(Some(ServerFrame::Response { outcome: Err(error), .. })) => Err(error.into()),
            _ => Err(internal("the answer cannot be read")),
        }
    }
}
