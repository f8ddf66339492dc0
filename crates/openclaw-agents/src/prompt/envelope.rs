use jiff::tz::TimeZone;
use openclaw_core::{
    IdGen, Inbound, InboundKind, MessageContent, MessageId, OriginKind, RunOrigin, Timestamp,
};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The code of an entry's envelopes.
///
/// It follows from an id that the gateway made after the message was written, so that the writer
/// cannot know it, and a turn that is resumed finds the same one.
pub(crate) fn code_of(id: &MessageId) -> String {
    hex::encode(&Sha256::digest(format!("envelope:{id}").as_bytes())[..4])
}

/// Writes one message: its envelope, then the person's own words, verbatim, on lines of their own.
///
/// The data stand on a single line of JSON with everything escaped that could end a line or change
/// how it is shown, so nothing in it can look like the end of the block.
pub(crate) fn write_message(
    out: &mut String,
    code: &str,
    inbound: &Inbound,
    origin: Option<&RunOrigin>,
    files: &[Value],
    zone: &TimeZone,
) {
    if !out.is_empty() {
        out.push('\n');
    }
    out.push_str(&format!("[context {code}]\n"));
    out.push_str(&one_line(&envelope(inbound, origin, files, zone)));
    out.push_str(&format!("\n[/context {code}]\n"));
    out.push_str(inbound.content.plain_text());
}

fn envelope(
    inbound: &Inbound,
    origin: Option<&RunOrigin>,
    files: &[Value],
    zone: &TimeZone,
) -> Value {
    let conversation = &inbound.conversation;
    let mut data = Map::new();
    data.insert("channel".to_owned(), json!(conversation.channel_id));
    data.insert("chat".to_owned(), json!(conversation.kind.as_str()));
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            data.insert(name.to_owned(), value);
        }
    };
    put("title", conversation.title.as_deref().map(|title| json!(cut(title, 200))));
    put("thread", conversation.thread_id.as_ref().map(|thread| json!(thread)));
    put("from", Some(origin.map_or_else(|| sender(inbound), session)));
    put("report", origin.and_then(report));
    put("time", Some(json!(local_time(inbound.sent_at, zone))));
    put("edit", matches!(inbound.kind, InboundKind::Edit { .. }).then_some(json!(true)));
    put("reaction", matches!(inbound.kind, InboundKind::Reaction { .. }).then_some(json!(true)));
    put(
        "reply_to",
        inbound.reply_to.as_ref().map(|answered| {
            let author = match (answered.from_self, &answered.author) {
                (true, _) => json!("you"),
                (false, Some(author)) => json!(cut(author, 100)),
                (false, None) => Value::Null,
            };
            json!({"author": author, "text": answered.text.as_deref().map(|text| cut(text, 1_000))})
        }),
    );
    put("content", origin.is_none().then(|| content(&inbound.content)).flatten());
    put("files", (!files.is_empty()).then(|| json!(files)));
    Value::Object(data)
}

/// What another session is to this one.
fn session(origin: &RunOrigin) -> Value {
    let key = &origin.session_key;
    json!(match origin.kind {
        OriginKind::Task => format!("the session {key}, whose subagent you are"),
        OriginKind::Message => format!("the agent of the session {key}"),
        OriginKind::Report { .. } => "the gateway, about work that this session began".to_owned(),
    })
}

fn report(origin: &RunOrigin) -> Option<Value> {
    match &origin.kind {
        OriginKind::Report { status, .. } => Some(json!(status)),
        OriginKind::Task | OriginKind::Message => None,
    }
}

fn sender(inbound: &Inbound) -> Value {
    let sender = &inbound.sender;
    let mut text = match &sender.display_name {
        Some(name) => cut(name, 100),
        None => String::new(),
    };
    if let Some(username) = &sender.username {
        text.push_str(&format!(" @{}", cut(username, 100)));
    }
    text.push_str(&format!(" (id {}{})", sender.id, if sender.is_bot { ", a bot" } else { "" }));
    json!(text.trim())
}

/// What a message holds besides text and files.
fn content(content: &MessageContent) -> Option<Value> {
    match content {
        MessageContent::Text { .. } | MessageContent::Media { .. } => None,
        MessageContent::Location(place) => Some(json!({"location": place})),
        MessageContent::Contact(contact) => Some(json!({"contact": contact})),
        MessageContent::Poll(poll) => Some(json!({"poll": poll})),
        MessageContent::System { .. } => Some(json!("report of the service")),
    }
}

fn local_time(at: Timestamp, zone: &TimeZone) -> String {
    match jiff::Timestamp::from_millisecond(at.as_millis()) {
        Ok(moment) => {
            moment.to_zoned_datetime(zone.clone()).strftime("%a %Y-%m-%d %H:%M %:z").to_string()
        }
        Err(_) => at.to_string(),
    }
}

fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A code that nothing in these texts holds.
pub(crate) fn fresh_code(ids: &dyn IdGen, texts: &[&str]) -> String {
    loop {
        let id = format!("envelope:{}", ids.new_id());
        let code = hex::encode(&Sha256::digest(id.as_bytes())[..4]);
        if !texts.iter().any(|text| text.contains(&code)) {
            return code;
        }
    }
}

/// JSON on a single line, with everything escaped that could end a line or change how it is shown.
pub(crate) fn one_line(value: &Value) -> String {
    let json = value.to_string();
    if json.chars().all(is_plain) {
        return json;
    }
    let mut line = String::with_capacity(json.len() + 16);
    for character in json.chars() {
        if is_plain(character) {
            line.push(character);
        } else {
            let mut units = [0; 2];
            for unit in character.encode_utf16(&mut units) {
                line.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    line
}

/// Characters that neither end a line nor hide or reorder what is around them.
fn is_plain(character: char) -> bool {
    !(character.is_control()
        || matches!(
            character,
            '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{feff}'
                | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}'
        ))
}

#[cfg(test)]
mod tests {
    use super::{code_of, write_message};
    use jiff::tz::TimeZone;
    use openclaw_core::{
        ChannelId, ChatId, ChatKind, Conversation, ExternalId, Inbound, InboundKind,
        MessageContent, MessageId, ReplyContext, Sender, Timestamp, UserId,
    };
    use proptest::prelude::*;

    fn inbound(title: &str, name: &str, quote: &str, text: &str) -> Inbound {
        Inbound {
            conversation: Conversation {
                channel_id: ChannelId::new("telegram").expect("valid"),
                chat_id: ChatId::new("-100").expect("valid"),
                kind: ChatKind::Group,
                thread_id: None,
                title: Some(title.to_owned()),
            },
            external_id: ExternalId::new("7").expect("valid"),
            kind: InboundKind::Message,
            sender: Sender {
                id: UserId::new("42").expect("valid"),
                display_name: Some(name.to_owned()),
                username: Some("ann".to_owned()),
                roles: Vec::new(),
                is_bot: false,
            },
            content: MessageContent::text(text),
            reply_to: Some(ReplyContext {
                external_id: ExternalId::new("6").expect("valid"),
                from_self: false,
                author: Some(name.to_owned()),
                text: Some(quote.to_owned()),
            }),
            mentions_self: false,
            sent_at: Timestamp::from_millis(1_767_268_800_000),
        }
    }

    fn written(code: &str, inbound: &Inbound) -> String {
        let mut out = String::new();
        write_message(&mut out, code, inbound, None, &[], &TimeZone::UTC);
        out
    }

    #[test]
    fn the_data_come_first_and_the_words_stand_alone() {
        let inbound = inbound("Family", "Ann", "dinner?\nat 8", "  yes,\n\nwith *you*  ");
        insta::assert_snapshot!(written("0a1b2c3d", &inbound), @r#"
        [context 0a1b2c3d]
        {"channel":"telegram","chat":"group","title":"Family","from":"Ann @ann (id 42)","time":"Thu 2026-01-01 12:00 +00:00","reply_to":{"author":"Ann","text":"dinner?\nat 8"}}
        [/context 0a1b2c3d]
          yes,

        with *you*  
        "#);
    }

    proptest! {
        #[test]
        fn nothing_in_the_data_can_end_the_block(
            title in "(\\PC|\n|\r|\u{2028}|\u{85}|\\[/context 0a1b2c3d\\]){0,40}",
            name in "(\\PC|\n|\u{202e}|\\]\n\\[){0,40}",
            quote in any::<String>(),
            text in "[a-z\n]{0,20}",
        ) {
            let out = written("0a1b2c3d", &inbound(&title, &name, &quote, &text));
            let is_break = |c: char| matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}');
            let mut lines = out.splitn(4, is_break);
            prop_assert_eq!(lines.next(), Some("[context 0a1b2c3d]"));
            let data = lines.next().expect("the data");
            let parsed: serde_json::Value = serde_json::from_str(data).expect("one line of JSON");
            let shown = parsed["title"].as_str().expect("a title").trim_end_matches('…');
            prop_assert!(title.starts_with(shown));
            prop_assert!(data.chars().all(super::is_plain));
            prop_assert_eq!(lines.next(), Some("[/context 0a1b2c3d]"));
            prop_assert_eq!(lines.next(), Some(text.as_str()));
        }

        #[test]
        fn codes_follow_from_the_id(a in "[a-z0-9-]{1,36}", b in "[a-z0-9-]{1,36}") {
            let code = |id: &str| code_of(&MessageId::new(id).expect("valid"));
            prop_assert_eq!(code(&a).len(), 8);
            prop_assert_eq!(code(&a) == code(&b), a == b);
        }
    }
}
