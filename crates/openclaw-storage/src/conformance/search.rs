//! Finding messages by their words.

use openclaw_core::MessageContent;

use super::{Fixture, at, channel, entry, message_id, session_id, session_key};
use crate::Write;
use crate::rows::MessageQuery;

async fn say(store: &Fixture, session: &str, id: &str, millis: i64, text: &str) {
    let mut said = entry(session, id);
    said.at = at(millis);
    if let Some(message) = &mut said.message {
        message.content = MessageContent::text(text);
    }
    store.apply([Write::Append(Box::new(said))]).await;
}

fn query(text: &str) -> MessageQuery {
    MessageQuery { text: text.to_owned(), limit: 10, ..MessageQuery::default() }
}

async fn found(store: &Fixture, query: &MessageQuery) -> Vec<String> {
    let page = store.storage.search_messages(query).await.expect("read");
    page.items.iter().map(|message| message.id.to_string().replace("message-", "")).collect()
}

/// All words must be there, in whatever case and order; the newest comes first.
pub async fn messages_are_found_by_their_words(store: &Fixture) {
    store.with_session("a").await;
    store.with_session("b").await;
    say(store, "a", "1", 1_000, "The quick brown fox").await;
    say(store, "b", "2", 2_000, "A fox, QUICK as ever; it's \"50%\" done").await;
    say(store, "a", "3", 3_000, "Füchse sind schnell. 東京タワー\u{0}").await;
    assert_eq!(found(store, &query("quick FOX")).await, ["2", "1"]);
    assert_eq!(found(store, &query("fox brown")).await, ["1"]);
    assert_eq!(found(store, &query("qui")).await, Vec::<String>::new());
    assert_eq!(found(store, &query("qui*")).await, ["2", "1"]);
    assert_eq!(found(store, &query("füchse")).await, ["3"]);
    assert_eq!(found(store, &query("東京")).await, ["3"]);
    // What an index would understand is text here.
    for text in ["fox AND OR NOT", "\"", "'", "fox) | (x", "-- ; *", "50%' OR '1'='1"] {
        assert!(found(store, &query(text)).await.len() <= 1, "{text}");
    }
    assert_eq!(found(store, &query("")).await, Vec::<String>::new());
    assert_eq!(found(store, &query("it's 50%")).await, ["2"]);
}

/// What an index cannot hold whole is stored all the same, and found by its beginning.
pub async fn a_text_of_many_long_words_is_stored(store: &Fixture) {
    store.with_session("a").await;
    let words: Vec<String> =
        (0..12_000).map(|number| format!("{number:0>6}{}", "\u{1F40}".repeat(40))).collect();
    say(store, "a", "1", 1_000, &format!("beginning {}", words.join(" "))).await;
    assert_eq!(found(store, &query("beginning")).await, ["1"]);
    assert_eq!(found(store, &query("000001*")).await, ["1"]);
}

/// By session key and channel account, page by page.
pub async fn a_search_is_narrowed_and_paged(store: &Fixture) {
    store.with_session("a").await;
    store.with_session("b").await;
    for number in 0..5 {
        let session = if number % 2 == 0 { "a" } else { "b" };
        // Two of them in one moment.
        let millis = 1_000 + i64::from(number / 2);
        say(store, session, &number.to_string(), millis, &format!("word {number}")).await;
    }
    let narrowed = MessageQuery { session_key: Some(session_key("a")), ..query("word") };
    assert_eq!(found(store, &narrowed).await, ["4", "2", "0"]);
    let narrowed = MessageQuery { channel_id: Some(channel("telegram")), ..query("word") };
    assert_eq!(found(store, &narrowed).await, Vec::<String>::new());
    let mut paged = MessageQuery { limit: 2, ..query("word") };
    let mut pages = Vec::new();
    loop {
        let page = store.storage.search_messages(&paged).await.expect("read");
        pages.push(page.items.iter().map(|message| message.id.to_string()).collect::<Vec<_>>());
        if page.next_cursor.is_none() {
            break;
        }
        paged.cursor = page.next_cursor;
    }
    let expected = [["4", "3"].as_slice(), &["2", "1"], &["0"]];
    let expected: Vec<Vec<String>> = expected
        .iter()
        .map(|page| page.iter().map(|id| message_id(id).into_string()).collect())
        .collect();
    assert_eq!(pages, expected);
}

/// An edit changes what a message is found by, a deletion takes it out, and what comes after both is
/// found all the same.
pub async fn a_search_follows_edits_and_deletions(store: &Fixture) {
    store.with_session("a").await;
    store.with_session("b").await;
    say(store, "a", "1", 1_000, "before").await;
    say(store, "b", "2", 2_000, "before").await;
    assert_eq!(found(store, &query("before")).await, ["2", "1"]);
    let content = MessageContent::text("after");
    let edit = |id: &str| Write::EditMessage {
        id: message_id(id),
        content: content.clone(),
        edited_at: at(3_000),
    };
    store.apply([edit("1")]).await;
    assert_eq!(found(store, &query("before")).await, ["2"]);
    assert_eq!(found(store, &query("after")).await, ["1"]);
    say(store, "a", "3", 4_000, "before").await;
    store.apply([edit("3")]).await;
    assert_eq!(found(store, &query("after")).await, ["3", "1"]);
    store.apply([Write::DeleteSession { id: session_id("b") }]).await;
    assert_eq!(found(store, &query("before")).await, Vec::<String>::new());
    store.apply([Write::DeleteSession { id: session_id("a") }]).await;
    assert_eq!(found(store, &query("after")).await, Vec::<String>::new());
    store.with_session("c").await;
    say(store, "c", "4", 5_000, "after").await;
    assert_eq!(found(store, &query("after")).await, ["4"]);
}
