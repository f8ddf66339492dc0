//! Makes one event of the pieces of text that a chat completion brings in one go.
//!
//! rig reads each event several times over, which is most of what a streamed reply costs.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};
use rig_core::http_client::Error;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::{Sleep, sleep};

use super::idle::Body;

/// How long the first of several pieces waits for the others; nobody sees it.
const LINGER: Duration = Duration::from_millis(4);
/// More than this is passed on at once.
const ENOUGH: usize = 64 * 1024;

/// A reply's bytes, in which neighbouring pieces of text are one.
pub(super) struct Merging {
    body: Body,
    waiting: BytesMut,
    linger: Option<Pin<Box<Sleep>>>,
    /// What came after what waits.
    end: Option<Option<Error>>,
}

impl Merging {
    pub(super) fn new(body: Body) -> Self {
        Self { body, waiting: BytesMut::new(), linger: None, end: None }
    }

    fn pass_on(&mut self) -> Poll<Option<Result<Bytes, Error>>> {
        self.linger = None;
        Poll::Ready(Some(Ok(merged(self.waiting.split().freeze()))))
    }
}

impl Stream for Merging {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if let Some(end) = this.end.take() {
            return Poll::Ready(end.map(Err));
        }
        loop {
            match this.body.poll_next_unpin(cx) {
                Poll::Ready(Some(Ok(chunk))) => {
                    this.waiting.extend_from_slice(&chunk);
                    if this.waiting.len() >= ENOUGH {
                        return this.pass_on();
                    }
                }
                Poll::Ready(end) if this.waiting.is_empty() => return Poll::Ready(end),
                Poll::Ready(end) => {
                    this.end = Some(end.and_then(Result::err));
                    return this.pass_on();
                }
                Poll::Pending if this.waiting.is_empty() => return Poll::Pending,
                Poll::Pending => {
                    let linger = this.linger.get_or_insert_with(|| Box::pin(sleep(LINGER)));
                    return match linger.as_mut().poll(cx) {
                        Poll::Ready(()) => this.pass_on(),
                        Poll::Pending => Poll::Pending,
                    };
                }
            }
        }
    }
}

/// A chunk that brings text and nothing else.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "a field that is not read still has to be of its type")]
struct TextChunk<'a> {
    #[serde(borrow, default)]
    id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    object: Option<&'a RawValue>,
    #[serde(borrow, default)]
    created: Option<&'a RawValue>,
    #[serde(borrow, default)]
    model: Option<&'a RawValue>,
    #[serde(borrow, default)]
    system_fingerprint: Option<&'a RawValue>,
    #[serde(borrow, default)]
    service_tier: Option<&'a RawValue>,
    #[serde(default)]
    usage: (),
    #[serde(borrow)]
    choices: [Choice<'a>; 1],
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "a field that is not read still has to be of its type")]
struct Choice<'a> {
    index: u32,
    #[serde(borrow)]
    delta: Delta<'a>,
    #[serde(default)]
    finish_reason: (),
    #[serde(default)]
    logprobs: (),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "a field that is not read still has to be of its type")]
struct Delta<'a> {
    #[serde(borrow, default)]
    role: Option<&'a RawValue>,
    #[serde(borrow)]
    content: &'a RawValue,
}

const DATA: &[u8] = b"data: ";
const END: &[u8] = b"\n\n";

/// An event of text: what stands before and after the text, which is as JSON writes it.
struct Pattern<'a> {
    before: &'a [u8],
    after: &'a [u8],
}

impl<'a> Pattern<'a> {
    fn of(event: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let chunk: TextChunk<'a> = serde_json::from_slice(event.strip_prefix(DATA)?).ok()?;
        let [choice] = chunk.choices;
        let content = choice.delta.content.get();
        let text = content.strip_prefix('"')?.strip_suffix('"')?.as_bytes();
        // The text is a slice of the event.
        let at = (text.as_ptr() as usize).checked_sub(event.as_ptr() as usize)?;
        let (before, rest) = event.split_at_checked(at)?;
        let (text, after) = rest.split_at_checked(text.len())?;
        Some((Self { before, after }, text))
    }

    /// The text of another event that differs in its text alone.
    fn text_of<'b>(&self, event: &'b [u8]) -> Option<&'b [u8]> {
        let text = event.strip_prefix(self.before)?.strip_suffix(self.after)?;
        is_inside_of_a_string(text).then_some(text)
    }
}

/// Whether bytes could stand between the quotes of a JSON string. What they escape is not looked at:
/// where it is wrong, the reader of the whole says so.
fn is_inside_of_a_string(text: &[u8]) -> bool {
    let mut bytes = text.iter();
    while let Some(&byte) = bytes.next() {
        match byte {
            b'"' | 0..=0x1F => return false,
            b'\\' if bytes.next().is_none() => return false,
            _ => {}
        }
    }
    true
}

/// The same events, neighbours that differ in their text alone as one.
fn merged(events: Bytes) -> Bytes {
    let mut out = Vec::new();
    let mut rest = &events[..];
    while let Some(event) = take_event(&mut rest) {
        let Some((pattern, text)) = Pattern::of(event) else {
            out.extend_from_slice(event);
            out.extend_from_slice(END);
            continue;
        };
        out.extend_from_slice(pattern.before);
        out.extend_from_slice(text);
        let mut ahead = rest;
        while let Some(text) = take_event(&mut ahead).and_then(|event| pattern.text_of(event)) {
            out.extend_from_slice(text);
            rest = ahead;
        }
        out.extend_from_slice(pattern.after);
        out.extend_from_slice(END);
    }
    if out.is_empty() {
        return events;
    }
    out.extend_from_slice(rest);
    out.into()
}

/// The next event that is complete, without its end.
fn take_event<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let at = rest.windows(END.len()).position(|window| window == END)?;
    let event = &rest[..at];
    *rest = &rest[at + END.len()..];
    Some(event)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::StreamExt as _;
    use proptest::prelude::*;
    use tokio_util::task::TaskTracker;

    use super::{Body, Merging, merged};

    fn text(content: &str) -> String {
        let content = serde_json::to_string(content).expect("text");
        format!(
            "data: {{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{content}}},\"finish_reason\":null}}]}}\n\n"
        )
    }

    fn merged_text(events: &str) -> String {
        String::from_utf8(merged(Bytes::copy_from_slice(events.as_bytes())).to_vec()).expect("text")
    }

    #[test]
    fn neighbouring_texts_are_one_and_everything_else_stays() {
        let role = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n";
        let call = "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":0}]},\"finish_reason\":null}]}\n\n";
        let end = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
        let (one, two, three) = (text("one "), text("\"two\" \\ "), text("three"));
        let all = format!("{role}{one}{two}{call}{three}{end}");
        let both = text("one \"two\" \\ ");
        assert_eq!(merged_text(&all), format!("{role}{both}{call}{three}{end}"));
    }

    #[test]
    fn what_differs_in_more_than_its_text_stays_apart() {
        for other in [
            text("b").replace("\"c\"", "\"d\""),
            text("b").replace("\"index\":0", "\"index\":1"),
            text("b").replace("null", "\"length\""),
            text("b").replace("\"id\"", "\"error\":{},\"id\""),
            format!("event: x\n{}", text("b")),
            ": a comment\n\n".to_owned(),
            text("b").replace("\"content\":\"b\"", "\"content\":\"b\",\"refusal\":\"c\""),
        ] {
            let all = format!("{}{other}{}", text("a"), text("z"));
            assert_eq!(merged_text(&all), all);
        }
        // Twice the same key: the reader of the whole has to see both.
        let twice = text("a").replace("{\"content\"", "{\"content\":\"x\",\"content\"");
        assert_eq!(merged_text(&twice.repeat(2)), twice.repeat(2));
    }

    proptest! {
        #[test]
        fn all_of_the_text_arrives(texts in proptest::collection::vec(any::<String>(), 1..12), cut in any::<prop::sample::Index>()) {
            let all: String = texts.iter().map(|part| text(part)).collect();
            // A piece may begin and end anywhere.
            let cut = (0..=cut.index(all.len() + 1)).rev().find(|at| all.is_char_boundary(*at)).unwrap_or(0);
            let (first, second) = all.split_at(cut);
            let out = merged_text(first) + &merged_text(second);
            let mut said = String::new();
            for event in out.split("\n\n").filter(|event| !event.is_empty()) {
                let value: serde_json::Value = serde_json::from_str(event.strip_prefix("data: ").expect("data")).expect("JSON");
                said.push_str(value["choices"][0]["delta"]["content"].as_str().expect("text"));
            }
            prop_assert_eq!(said, texts.concat());
        }

        #[test]
        fn whatever_comes_is_passed_on(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            prop_assert_eq!(merged(Bytes::from(bytes.clone())).to_vec(), bytes);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_within_a_moment_is_passed_on_together() {
        let (to, chunks) = tokio::sync::mpsc::channel::<reqwest::Result<Bytes>>(8);
        let chunks = futures_util::stream::unfold(chunks, |mut chunks| async {
            chunks.recv().await.map(|chunk| (chunk, chunks))
        });
        let minute = Duration::from_secs(60);
        let body = Body::new(chunks.boxed(), minute, 1 << 20, TaskTracker::new());
        let mut merging = Merging::new(body);
        for part in ["a", "b"] {
            to.send(Ok(text(part).into())).await.expect("sent");
        }
        let first = merging.next().await.expect("some").expect("bytes");
        assert_eq!(first, text("ab").as_bytes());
        to.send(Ok(text("c").into())).await.expect("sent");
        drop(to);
        let began = tokio::time::Instant::now();
        let last = merging.next().await.expect("some").expect("bytes");
        assert_eq!(last, text("c").as_bytes());
        // The end is not waited for.
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(merging.next().await.is_none());
    }
}
