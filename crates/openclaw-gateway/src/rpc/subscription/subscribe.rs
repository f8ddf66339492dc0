use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::{SubscribeParams, SubscribeResult};

use super::client;
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
    let client = client(caller)?;
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
    if params.from_seq.is_some_and(|from_seq| from_seq < 0) {
        return Err(OpenClawError::invalid_params("from_seq", "must not be below 0"));
    }
    let replay = match (params.from_seq, &params.session_key) {
        (Some(_), None) => {
            return Err(OpenClawError::invalid_params("from_seq", "needs session_key"));
        }
        (None, None) => None,
        (from_seq, Some(key)) => {
            let session = by_key(state, key).await?;
            from_seq.map(|from_seq| Replay {
                // Who is ahead of the session, perhaps of its life before a reset, follows.
                from_seq: from_seq.min(session.last_seq + 1),
                session_id: session.id,
                session_key: session.session_key,
            })
        }
    };
    let subscription_id = state
        .hub
        .subscribe(client, topics, params.session_key, replay)
        .map_err(|error| OpenClawError::new(ErrorKind::Conflict, error.to_string()))?;
    Ok(SubscribeResult { subscription_id })
}
