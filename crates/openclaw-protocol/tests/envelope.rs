//! What the envelope makes of texts: a table, and arbitrary bytes.

use openclaw_protocol::envelope::{
    Id, Incoming, MAX_BATCH, Params, ServerFrame, failure, notification, request, success,
};
use openclaw_protocol::methods::{AgentRunParams, SessionListParams, SessionUpdateParams};
use openclaw_protocol::{ErrorObject, EventParams};
use proptest::prelude::*;

/// A line per call: what it is, its id, method and params; or the code of its rejection.
fn describe(text: &str) -> String {
    match Incoming::parse(text) {
        Err(rejected) => format!("{} id={}", rejected.error.code, rejected.id),
        Ok(Incoming::Single(call)) => describe_call(call),
        Ok(Incoming::Batch(calls)) => {
            let lines: Vec<String> = calls.into_iter().map(describe_call).collect();
            format!("[{}]", lines.join(", "))
        }
    }
}

fn describe_call(
    call: Result<openclaw_protocol::envelope::Call<'_>, openclaw_protocol::envelope::Rejected>,
) -> String {
    match call {
        Err(rejected) => format!("{} id={}", rejected.error.code, rejected.id),
        Ok(call) => {
            let id = call.id.map_or("-".to_owned(), |id| id.to_string());
            let params = match call.params {
                Params::Absent => "-".to_owned(),
                Params::Object(json) => json.to_owned(),
                Params::Array => "array".to_owned(),
            };
            format!("{} id={id} params={params}", call.method)
        }
    }
}

#[test]
fn single_calls() {
    for (text, expected) in [
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#, "ping id=1 params=-"),
        (r#"{"jsonrpc":"2.0","method":"ping"}"#, "ping id=- params=-"),
        (r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#, "ping id=null params=-"),
        (r#"{"jsonrpc":"2.0","id":"a\u0062","method":"ping"}"#, r#"ping id="a\u0062" params=-"#),
        (
            r#"{"jsonrpc":"2.0","id":9007199254740993,"method":"ping"}"#,
            "ping id=9007199254740993 params=-",
        ),
        (r#"{"jsonrpc":"2.0","id":1.50,"method":"ping"}"#, "ping id=1.50 params=-"),
        (r#"{"jsonrpc":"2.0","id":-1e400,"method":"ping"}"#, "ping id=-1e400 params=-"),
        (
            r#"{"jsonrpc":"2.0","id":1,"method":"p\u0069ng","params":{"a":1}}"#,
            r#"ping id=1 params={"a":1}"#,
        ),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[]}"#, "ping id=1 params=array"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":null}"#, "ping id=1 params=-"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","other":[{}]}"#, "ping id=1 params=-"),
        (" \r\n\t{\"jsonrpc\":\"2.0\",\"method\":\"ping\"}\n ", "ping id=- params=-"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":"x"}"#, "-32600 id=1"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":7}"#, "-32600 id=1"),
        (r#"{"jsonrpc":"2.0","method":1,"params":"bar"}"#, "-32600 id=null"),
        (r#"{"jsonrpc":"2.0","id":7,"method":1}"#, "-32600 id=7"),
        (r#"{"jsonrpc":"2.0","id":7}"#, "-32600 id=7"),
        (r#"{"jsonrpc":"1.0","id":7,"method":"ping"}"#, "-32600 id=7"),
        (r#"{"jsonrpc":2.0,"id":7,"method":"ping"}"#, "-32600 id=7"),
        (r#"{"id":7,"method":"ping"}"#, "-32600 id=7"),
        (r#"{"type":"req","id":"7","method":"connect"}"#, r#"-32600 id="7""#),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, "-32600 id=null"),
        (r#"{"jsonrpc":"2.0","id":[1],"method":"ping"}"#, "-32600 id=null"),
        (r#"{"jsonrpc":"2.0","id":true,"method":"ping"}"#, "-32600 id=null"),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}"#, "-32600 id=null"),
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"#, "-32700 id=null"),
        (r#"{"jsonrpc":"2.0","result":1,"id":1}"#, "-32600 id=1"),
        ("7", "-32600 id=null"),
        ("null", "-32600 id=null"),
        (r#""ping""#, "-32600 id=null"),
        ("", "-32700 id=null"),
        ("{", "-32700 id=null"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"ping"} x"#, "-32700 id=null"),
        (r#"{"jsonrpc": "2.0", "method": "foobar, "params": "bar", "baz]"#, "-32700 id=null"),
        ("\u{feff}{}", "-32700 id=null"),
    ] {
        assert_eq!(describe(text), expected, "{text}");
    }
}

#[test]
fn batches() {
    for (text, expected) in [
        ("[]", "-32600 id=null"),
        (" [ ] ", "-32600 id=null"),
        ("[1]", "[-32600 id=null]"),
        ("[1,{},[]]", "[-32600 id=null, -32600 id=null, -32600 id=null]"),
        (
            r#"[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method":"b"},{"foo":"boo"}]"#,
            "[a id=1 params=-, b id=- params=-, -32600 id=null]",
        ),
        (r#"[{"jsonrpc":"2.0","id":1,"method":"a"},{"jsonrpc":"2.0","method"]"#, "-32700 id=null"),
        ("[1,", "-32700 id=null"),
    ] {
        assert_eq!(describe(text), expected, "{text}");
    }
    let longest = format!("[{}1]", "1,".repeat(MAX_BATCH - 1));
    assert!(describe(&longest).starts_with("[-32600"));
    assert_eq!(describe(&format!("[{}1]", "1,".repeat(MAX_BATCH))), "-32009 id=null");
}

#[test]
fn nesting_is_counted_over_the_whole_frame() {
    let call = |depth: usize| {
        let value = "[".repeat(depth) + &"]".repeat(depth);
        format!(r#"{{"jsonrpc":"2.0","id":1,"method":"a","params":{{"x":{value}}}}}"#)
    };
    assert!(describe(&call(126)).starts_with("a id=1"));
    assert_eq!(describe(&call(127)), "-32700 id=null");
    assert_eq!(describe(&call(100_000)), "-32700 id=null");
}

#[test]
fn params_are_closed_objects() {
    fn read<P: serde::de::DeserializeOwned>(params: &str) -> Result<P, ErrorObject> {
        let text = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"a","params":{params}}}"#);
        match Incoming::parse(&text) {
            Ok(Incoming::Single(Ok(call))) => call.params.read::<P>(),
            other => panic!("{other:?}"),
        }
    }
    assert!(read::<SessionListParams>("{}").is_ok());
    assert!(read::<SessionListParams>("null").is_ok());
    let mut refusals = String::new();
    for params in ["[]", "[1]", r#"{"limt":1}"#, r#"{"limit":1,"limit":2}"#, r#"{"limit":"x"}"#] {
        let error = read::<SessionListParams>(params).expect_err(params);
        let field = error.data.as_ref().and_then(|data| data.field.as_deref());
        refusals += &format!("{params} {} {field:?}: {}\n", error.code, error.message);
    }
    for params in [
        r#"{}"#,
        r#"{"patch":[]}"#,
        r#"{"patch":{"config":["m"]}}"#,
        r#"{"patch":{"config":{"modle":"m"}}}"#,
        r#"{"session_key":"nonsense","patch":{}}"#,
    ] {
        let error = read::<SessionUpdateParams>(params).expect_err(params);
        let field = error.data.as_ref().and_then(|data| data.field.as_deref());
        refusals += &format!("{params} {} {field:?}: {}\n", error.code, error.message);
    }
    for params in
        [r#"{"message":"a","attachments":[["x"]]}"#, r#"{"message":"a","idempotency_key":"a b"}"#]
    {
        let error = read::<AgentRunParams>(params).expect_err(params);
        refusals += &format!("{params} {}: {}\n", error.code, error.message);
    }
    insta::assert_snapshot!(refusals);
}

#[test]
fn what_one_side_writes_the_other_reads() {
    let text = request(7, "session.list", &SessionListParams::default()).expect("serialises");
    assert_eq!(describe(&text), "session.list id=7 params={}");
    let text = notification("ping", &SessionListParams::default()).expect("serialises");
    assert_eq!(describe(&text), "ping id=- params={}");

    let answer = success(&Id::from(7), &serde_json::json!(null)).expect("serialises");
    match ServerFrame::parse(&answer).expect("parses") {
        Some(ServerFrame::Response { id, outcome: Ok(result) }) => {
            assert_eq!((id.as_u64(), result.get()), (Some(7), "null"));
        }
        other => panic!("{other:?}"),
    }
    let error = ErrorObject::new(openclaw_errors::ErrorKind::NotFound, "no session \"x\"");
    match ServerFrame::parse(&failure(&Id::null(), &error)).expect("parses") {
        Some(ServerFrame::Response { id, outcome: Err(back) }) => {
            assert_eq!((id, back), (Id::null(), error));
        }
        other => panic!("{other:?}"),
    }
    let event = EventParams {
        topic: "agent.done".into(),
        seq: Some(3),
        session_key: None,
        run_id: None,
        data: serde_json::json!({"reply": "hi"}),
    };
    let text = openclaw_protocol::envelope::event(&event).expect("serialises");
    match ServerFrame::parse(&text).expect("parses") {
        Some(ServerFrame::Event(back)) => assert_eq!(back, event),
        other => panic!("{other:?}"),
    }
    let unknown = r#"{"jsonrpc":"2.0","method":"later","params":{"a":[1]}}"#;
    assert!(ServerFrame::parse(unknown).expect("parses").is_none());
    for bad in
        ["", "{}", "[]", r#"{"id":1}"#, r#"{"id":1,"result":1,"error":{"code":1,"message":""}}"#]
    {
        assert!(ServerFrame::parse(bad).is_err(), "{bad}");
    }
}

/// JSON-like soup: mostly valid pieces in random order.
fn soup() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(",".to_owned()),
        Just(":".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("\"jsonrpc\":\"2.0\"".to_owned()),
        Just("\"id\":1".to_owned()),
        Just("\"method\":\"ping\"".to_owned()),
        Just("\"params\":{}".to_owned()),
        Just("null".to_owned()),
        "[0-9eE.+-]{1,6}",
        "\\PC{0,4}",
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_a_call_or_a_valid_rejection(text in prop_oneof![soup(), ".*"]) {
        let rejections: Vec<_> = match Incoming::parse(&text) {
            Err(rejected) => vec![rejected],
            Ok(Incoming::Single(call)) => call.err().into_iter().collect(),
            Ok(Incoming::Batch(calls)) => {
                prop_assert!(!calls.is_empty());
                calls.into_iter().filter_map(Result::err).collect()
            }
        };
        for rejected in rejections {
            let answer = failure(&rejected.id, &rejected.error);
            let value: serde_json::Value = serde_json::from_str(&answer).expect("an answer is JSON");
            prop_assert_eq!(&value["jsonrpc"], "2.0");
            prop_assert!(value["error"]["code"].is_i64());
            prop_assert!(value.get("id").is_some());
        }
    }
}
