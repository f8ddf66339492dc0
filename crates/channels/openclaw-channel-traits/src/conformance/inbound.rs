//! What happens at the service is handed in once, in order, and acknowledged only when stored.

use openclaw_core::{ChatKind, InboundKind};

use super::running::{Running, within};
use super::{Push, Pushed, ServiceDriver};
use crate::Accept;

async fn push_direct(driver: &dyn ServiceDriver, text: &str) -> Pushed {
    driver.push(Push::Direct { text: text.to_owned() }).await
}

/// Messages from before and after the connection arrive once each and in order.
pub async fn direct_messages_arrive_once_and_in_order(driver: &dyn ServiceDriver) {
    let mut expected = vec![push_direct(driver, "first").await];
    let running = Running::connected(driver, []).await;
    for text in ["second", "third", "🎉 <b>&amp; ünï"] {
        expected.push(push_direct(driver, text).await);
    }
    let events = within("handing in four messages", running.ingress.wait_for(4)).await;
    let texts: Vec<_> = events.iter().map(|event| event.content.plain_text()).collect();
    assert_eq!(texts, ["first", "second", "third", "🎉 <b>&amp; ünï"]);
    for (event, pushed) in events.iter().zip(&expected) {
        assert_eq!(event.external_id, pushed.message, "a message has the service's own id");
        assert_eq!(event.conversation.address(), pushed.chat);
        assert_eq!(event.conversation.kind, ChatKind::Direct);
        assert_eq!(event.kind, InboundKind::Message);
        assert_eq!(event.sender.id, driver.person());
    }
    if driver.acknowledges() {
        for pushed in &expected {
            within("acknowledging", driver.acknowledged(pushed)).await;
        }
    }
    assert_eq!(running.ingress.handed_in().len(), 4, "each message is handed in once");
    running.cancel().await;
}

/// A group message carries its chat's kind, and whether the assistant is mentioned.
pub async fn group_messages_say_whether_the_assistant_is_meant(driver: &dyn ServiceDriver) {
    let running = Running::connected(driver, []).await;
    if !running.channel.descriptor().groups {
        return running.cancel().await;
    }
    for (count, text, mentioned) in [(1, "for all", false), (2, "for you", true)] {
        let pushed = driver.push(Push::Group { text: text.to_owned(), mentioned }).await;
        let events = within("handing in a group message", running.ingress.wait_for(count)).await;
        let event = events.last().expect("one was waited for");
        assert_ne!(event.conversation.kind, ChatKind::Direct);
        assert_eq!(event.conversation.chat_id, pushed.chat.chat_id);
        assert_eq!(event.mentions_self, mentioned, "{text}");
        assert!(event.content.plain_text().contains(text));
    }
    running.cancel().await;
}

/// An edit has an id of its own and names its message; editing twice gives two ids.
pub async fn edits_name_the_message_they_change(driver: &dyn ServiceDriver) {
    let running = Running::connected(driver, []).await;
    let pushed = push_direct(driver, "teh").await;
    within("handing in the message", running.ingress.wait_for(1)).await;
    for text in ["the", "thé"] {
        driver.push(Push::Edit { of: pushed.clone(), text: text.to_owned() }).await;
    }
    let events = within("handing in two edits", running.ingress.wait_for(3)).await;
    let [message, first, second] = &events[..] else {
        panic!("a message and two edits are three events, not {}", events.len())
    };
    for (edit, text) in [(first, "the"), (second, "thé")] {
        assert_eq!(edit.kind, InboundKind::Edit { target: message.external_id.clone() });
        assert_eq!(edit.content.plain_text(), text);
        assert_ne!(edit.external_id, message.external_id);
    }
    assert_ne!(first.external_id, second.external_id, "each edit is an event of its own");
    running.cancel().await;
}

/// What was answered `Busy` is handed in again, before what came after it in the same chat.
pub async fn busy_is_handed_in_again_in_order(driver: &dyn ServiceDriver) {
    let running = Running::connected(driver, [Accept::Busy, Accept::Busy]).await;
    let first = push_direct(driver, "first").await;
    let second = push_direct(driver, "second").await;
    let events = within("handing in again", running.ingress.wait_for(4)).await;
    let texts: Vec<_> = events.iter().map(|event| event.content.plain_text()).collect();
    assert_eq!(texts, ["first", "first", "first", "second"]);
    assert_eq!(events[0].external_id, events[2].external_id);
    if driver.acknowledges() {
        within("acknowledging", driver.acknowledged(&first)).await;
        within("acknowledging", driver.acknowledged(&second)).await;
    }
    running.cancel().await;
}

/// `Duplicate` and `Denied` are as good as stored.
pub async fn duplicates_are_acknowledged(driver: &dyn ServiceDriver) {
    let denied = Accept::Denied { reason: crate::DenyReason::NotAllowed };
    let running = Running::connected(driver, [Accept::Duplicate, denied]).await;
    let pushed = [
        push_direct(driver, "known").await,
        push_direct(driver, "denied").await,
        push_direct(driver, "new").await,
    ];
    let events = within("handing in three messages", running.ingress.wait_for(3)).await;
    assert_eq!(events[2].content.plain_text(), "new");
    if driver.acknowledges() {
        for pushed in &pushed {
            within("acknowledging", driver.acknowledged(pushed)).await;
        }
    }
    assert_eq!(running.ingress.handed_in().len(), 3, "nothing is handed in again");
    running.cancel().await;
}

/// An event is not acknowledged while `accept` has not returned, nor when the run is cancelled then;
/// the next run gets it again.
pub async fn nothing_is_acknowledged_before_it_is_accepted(driver: &dyn ServiceDriver) {
    if !driver.acknowledges() {
        return;
    }
    let running = Running::connected(driver, []).await;
    running.ingress.set_open(false);
    let pushed = push_direct(driver, "kept").await;
    within("handing in", running.ingress.wait_for(1)).await;
    assert!(!driver.is_acknowledged(&pushed).await, "acknowledged before it was accepted");
    running.cancel().await;
    assert!(!driver.is_acknowledged(&pushed).await, "acknowledged without being accepted");

    let running = Running::connected(driver, []).await;
    let events = within("handing in after the restart", running.ingress.wait_for(1)).await;
    assert_eq!(events[0].external_id, pushed.message);
    within("acknowledging", driver.acknowledged(&pushed)).await;
    running.cancel().await;
}
