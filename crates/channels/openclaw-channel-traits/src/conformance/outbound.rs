//! What is delivered arrives, and what does not is told as what it is.

use std::time::Duration;

use openclaw_core::{
    DeleteMessage, EditMessage, ExternalId, IdGen, Outbound, OutboxId, Poll, React, Receipt,
    SendMessage, SendPoll, SystemIds, Typing,
};
use tokio::time::timeout;

use super::running::{Running, assert_no_secret, within};
use super::{Credential, Failure, Push, ServiceDriver};
use crate::{DeliveryError, Found, Lookup, MarkupDialect};

fn key() -> OutboxId {
    OutboxId::new(SystemIds.new_id()).expect("a UUID is an id")
}

fn message(driver: &dyn ServiceDriver, text: &str) -> Outbound {
    let (chat, text) = (driver.direct_chat(), text.to_owned());
    Outbound::Send(SendMessage {
        chat,
        text,
        media: Vec::new(),
        buttons: Vec::new(),
        reply_to: None,
        key: key(),
    })
}

async fn send(driver: &dyn ServiceDriver, running: &Running, text: &str) -> ExternalId {
    let receipt = within("sending", running.channel.deliver(message(driver, text))).await;
    receipt.expect("a working service takes it").external_id.expect("a message has an id")
}

async fn texts(driver: &dyn ServiceDriver) -> Vec<String> {
    driver.arrived().await.into_iter().map(|arrived| arrived.text).collect()
}

/// Sends while the service fails like this; `None` where the fake cannot.
async fn failing_send(
    driver: &dyn ServiceDriver,
    failure: Failure,
) -> Option<Result<Receipt, DeliveryError>> {
    if !driver.can_fail(&failure) {
        return None;
    }
    let running = Running::connected(driver, []).await;
    driver.fail_next(failure).await;
    let limit = driver.delivery_limit() + Duration::from_secs(2);
    let result = timeout(limit, running.channel.deliver(message(driver, "hello")))
        .await
        .expect("a delivery ends within its limit");
    assert_no_secret(driver, "the delivery's result", &format!("{result:?}"));
    if let Err(error) = &result {
        assert_no_secret(driver, "the delivery's error", &error.to_string());
    }
    let next = within("sending again", running.channel.deliver(message(driver, "again"))).await;
    assert!(next.is_ok(), "a later delivery works: {next:?}");
    running.cancel().await;
    Some(result)
}

/// Markup is rendered, and what looks like markup of the service is not.
pub async fn text_arrives_as_it_is_shown(driver: &dyn ServiceDriver) {
    let running = Running::connected(driver, []).await;
    let id = send(driver, &running, "**bold** & <i>x</i> `a<b`").await;
    let arrived = driver.arrived().await;
    assert_eq!(arrived.len(), 1, "one delivery is one message");
    assert_eq!(arrived[0].message, id);
    assert_eq!(arrived[0].chat, driver.direct_chat());
    let expected = match running.channel.descriptor().markup {
        MarkupDialect::Markdown => "**bold** & <i>x</i> `a<b`",
        MarkupDialect::TelegramHtml | MarkupDialect::Plain => "bold & <i>x</i> a<b",
    };
    assert_eq!(arrived[0].text, expected);
    running.cancel().await;
}

/// A text as long as the descriptor allows arrives whole.
pub async fn text_of_the_longest_length_arrives(driver: &dyn ServiceDriver) {
    let running = Running::connected(driver, []).await;
    // A limit beyond this is not one of the service but of memory.
    let length = running.channel.descriptor().text_limit.min(1 << 20);
    let text = "x".repeat(length);
    send(driver, &running, &text).await;
    assert!(texts(driver).await == [text], "the text arrives whole");
    running.cancel().await;
}

/// What the descriptor claims works, what it denies is `Unsupported`, which touches nothing.
async fn check_claim(
    what: &str,
    claimed: bool,
    running: &Running,
    outbound: Outbound,
) -> Option<Receipt> {
    let result = within(what, running.channel.deliver(outbound)).await;
    if claimed {
        Some(result.unwrap_or_else(|error| panic!("{what} is claimed but fails: {error}")))
    } else {
        let unsupported = matches!(result, Err(DeliveryError::Unsupported(_)));
        assert!(unsupported, "{what} is not claimed and must be Unsupported: {result:?}");
        None
    }
}

/// Editing changes the message, repeating the same edit is no failure.
pub async fn edits_work_as_described(driver: &dyn ServiceDriver) {
    let running = Running::connected(driver, []).await;
    let target = send(driver, &running, "before").await;
    let chat = driver.direct_chat();
    let edit = Outbound::Edit(EditMessage { chat, target, text: "**after**".to_owned() });
    let claimed = running.channel.descriptor().edits;
    check_claim("editing", claimed, &running, edit.clone()).await;
    if claimed {
        check_claim("the same edit again", true, &running, edit).await;
        let markdown = running.channel.descriptor().markup == MarkupDialect::Markdown;
        assert_eq!(texts(driver).await, [if markdown { "**after**" } else { "after" }]);
    }
    running.cancel().await;
}

/// Deleting removes the message.
pub async fn deletes_work_as_described(driver: &dyn ServiceDriver) {
    let running = Running::connected(driver, []).await;
    let target = send(driver, &running, "wrong").await;
    send(driver, &running, "right").await;
    let claimed = running.channel.descriptor().deletes;
    let delete = Outbound::Delete(DeleteMessage { chat: driver.direct_chat(), target });
    check_claim("deleting", claimed, &running, delete).await;
    if claimed {
        assert_eq!(texts(driver).await, ["right"]);
    }
    running.cancel().await;
}

/// Reacting to a person's message.
pub async fn reactions_work_as_described(driver: &dyn ServiceDriver) {
    let running = Running::connected(driver, []).await;
    let claimed = running.channel.descriptor().reactions;
    let target = if claimed {
        driver.push(Push::Direct { text: "hello".to_owned() }).await.message
    } else {
        ExternalId::new("1").expect("not empty")
    };
    for emoji in [Some("👍".to_owned()), None] {
        let (chat, target) = (driver.direct_chat(), target.clone());
        let react = Outbound::React(React { chat, target, emoji });
        check_claim("reacting", claimed, &running, react).await;
    }
    running.cancel().await;
}

/// Sending a poll.
pub async fn polls_work_as_described(driver: &dyn ServiceDriver) {
    let running = Running::connected(driver, []).await;
    let options = vec!["tea".to_owned(), "coffee".to_owned()];
    let poll = Poll { question: "What?".to_owned(), options, multiple: false };
    let outbound = Outbound::Poll(SendPoll { chat: driver.direct_chat(), poll, key: key() });
    let claimed = running.channel.descriptor().polls;
    let receipt = check_claim("a poll", claimed, &running, outbound).await;
    assert!(receipt.is_none_or(|receipt| receipt.external_id.is_some()), "a poll has an id");
    running.cancel().await;
}

/// Showing that an answer is written makes no message.
pub async fn typing_works_as_described(driver: &dyn ServiceDriver) {
    let running = Running::connected(driver, []).await;
    let typing = Outbound::Typing(Typing { chat: driver.direct_chat() });
    let claimed = running.channel.descriptor().typing;
    let receipt = check_claim("typing", claimed, &running, typing).await;
    assert!(receipt.is_none_or(|receipt| receipt.external_id.is_none()), "typing is no message");
    assert_eq!(texts(driver).await, Vec::<String>::new());
    running.cancel().await;
}

/// The pause that the service asks for is passed on, not slept inside.
pub async fn retry_after_is_told(driver: &dyn ServiceDriver) {
    let pause = Duration::from_secs(7);
    let Some(result) = failing_send(driver, Failure::RetryAfter(pause)).await else { return };
    assert_eq!(result, Err(DeliveryError::RetryAfter(pause)));
    assert_eq!(texts(driver).await, ["again"]);
}

/// A gateway's error page is no word of the service.
pub async fn a_service_that_is_down_is_not_a_refusal(driver: &dyn ServiceDriver) {
    let Some(result) = failing_send(driver, Failure::Down).await else { return };
    let fits = matches!(result, Err(DeliveryError::Unreachable(_) | DeliveryError::Unknown(_)));
    assert!(fits, "a service that is down is Unreachable or Unknown: {result:?}");
}

/// The person blocked the assistant.
pub async fn blocked_is_told(driver: &dyn ServiceDriver) {
    let Some(result) = failing_send(driver, Failure::Blocked).await else { return };
    assert!(matches!(result, Err(DeliveryError::Blocked(_))), "expected Blocked: {result:?}");
}

/// The service finds the text too long.
pub async fn too_large_is_told(driver: &dyn ServiceDriver) {
    let Some(result) = failing_send(driver, Failure::TooLarge).await else { return };
    assert!(matches!(result, Err(DeliveryError::TooLarge(_))), "expected TooLarge: {result:?}");
}

/// The credential was revoked while connected.
pub async fn a_refused_credential_is_told(driver: &dyn ServiceDriver) {
    let Some(result) = failing_send(driver, Failure::CredentialRefused).await else { return };
    assert!(matches!(result, Err(DeliveryError::Auth(_))), "expected Auth: {result:?}");
}

/// Another parsed refusal.
pub async fn refusals_are_told(driver: &dyn ServiceDriver) {
    let Some(result) = failing_send(driver, Failure::Refused).await else { return };
    assert!(matches!(result, Err(DeliveryError::Refused(_))), "expected Refused: {result:?}");
}

/// A success that cannot be read may well have arrived.
pub async fn an_undecodable_success_is_unknown(driver: &dyn ServiceDriver) {
    unknown(driver, Failure::UndecodableSuccess).await;
}

/// A connection that is cut before the answer.
pub async fn a_cut_answer_is_unknown(driver: &dyn ServiceDriver) {
    unknown(driver, Failure::CutAfterTaking).await;
}

/// A service that never answers.
pub async fn a_hung_service_ends_in_unknown(driver: &dyn ServiceDriver) {
    unknown(driver, Failure::Hang).await;
}

async fn unknown(driver: &dyn ServiceDriver, failure: Failure) {
    let Some(result) = failing_send(driver, failure).await else { return };
    assert!(matches!(result, Err(DeliveryError::Unknown(_))), "expected Unknown: {result:?}");
    // The channel itself must not have tried again: the service has taken it once.
    assert_eq!(texts(driver).await, ["hello", "again"]);
}

/// Looking up the account proves the credential, or says that it is refused.
pub async fn the_account_is_looked_up(driver: &dyn ServiceDriver) {
    let channel = driver.channel(Credential::Valid);
    let found = within("looking up the account", channel.lookup(Lookup::Account)).await;
    let Ok(Found::Account(name)) = &found else { panic!("expected the account: {found:?}") };
    assert!(!name.is_empty(), "an account has a name");
    if driver.can_fail(&Failure::CredentialRefused) {
        let refused = driver.channel(Credential::Refused);
        let result = within("looking up", refused.lookup(Lookup::Account)).await;
        assert!(matches!(result, Err(DeliveryError::Auth(_))), "expected Auth: {result:?}");
        assert_no_secret(driver, "the lookup's error", &format!("{result:?}"));
    }
}
