use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::{SubscribeParams, SubscribeResult};

use crate::GatewayState;
use crate::hub::{Replay, TopicFilter};
use crate::rpc::Caller;
use crate::rpc::session::find::by_key;

const MOST_TOPICS: usize = 64;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: SubscribeParams,
) -> Result<SubscribeResult, OpenClawError> {
    let Some(client) = &caller.client else {
        return Err(OpenClawError::new(
            ErrorKind::InvalidRequest,
            "subscribe needs a WebSocket connection",
        )
        .with_hint("connect to /ws; over HTTP use message.receive"));
    };
    if params.topics.is_empty() || params.topics.len() > MOST_TOPICS {
        return Err(OpenClawError::invalid_params(
            "topics",
            format!("must name 1 to {MOST_TOPICS} topics"),
        ));
    }
    let topics = params
        .topics
        .iter()
        .enumerate()
        .map(|(index, text)| {
            TopicFilter::parse(text).ok_or_else(|| {
                OpenClawError::invalid_params(
                    format!("topics[{index}]"),
                    "is neither a topic, a prefix with `.*`, nor `*`",
                )
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let replay = match (params.from_seq, &params.session_key) {
        (None, _) => None,
        (Some(_), None) => {
            return Err(OpenClawError::invalid_params("from_seq", "needs session_key"));
        }
        (Some(from_seq), _) if from_seq < 0 => {
            return Err(OpenClawError::invalid_params("from_seq", "must not be below 0"));
        }
        (Some(from_seq), Some(key)) => {
            let session = by_key(state, key).await?;
            Some(Replay { session_id: session.id, session_key: key.clone(), from_seq })
        }
    };
    let subscription_id = state
        .hub
        .subscribe(client, topics, params.session_key, replay)
        .map_err(|error| OpenClawError::new(ErrorKind::Conflict, error.to_string()))?;
    Ok(SubscribeResult { subscription_id })
}
