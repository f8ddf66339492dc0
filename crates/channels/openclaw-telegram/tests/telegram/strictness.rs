use std::io::Write;
use std::process::{Command, Stdio};

use openclaw_channel_traits::Environment;
use openclaw_channel_traits::{Channel, Lookup};
use openclaw_core::{
    DeleteMessage, EditMessage, Outbound, OutboxId, Poll, React, SendPoll, ThreadId, Typing,
};
use openclaw_testkit::telegram::{FakeBot, Post};

use crate::support::{ANN, FORUM, PATIENCE, PNG, Service, chat, id, message, message_id, send};

/// Calls everything that the channel ever calls.
async fn call_everything(service: &Service) {
    service.bot.set_webhook("https://example.org/hook");
    let running = service.connect().await;
    let channel = &running.channel;
    let question = service.bot.post(ANN, ANN, Post::photo(PNG));
    running.ingress.wait_for(1).await;
    let own = message_id(&send(channel, ANN, "**one** [two](https://a.b)").await.expect("sent"));
    let press = service.bot.press(ANN, ANN, own, "yes");
    let mut answer = message(chat(ANN), "an *answer*");
    answer.reply_to = Some(id(question));
    answer.media.push(service.store(PNG, "a.png").await);
    channel.deliver(Outbound::Send(answer.clone())).await.expect("sent");
    answer.media.push(service.store(b"%PDF-1.7\n", "a.pdf").await);
    channel.deliver(Outbound::Send(answer.clone())).await.expect("sent");
    answer.media.remove(0);
    channel.deliver(Outbound::Send(answer)).await.expect("sent");
    let mut in_topic = chat(FORUM);
    let thread = service.bot.add_topic(FORUM, "Plans");
    in_topic.thread_id = Some(ThreadId::new(thread.to_string()).expect("a thread"));
    let poll = Poll {
        question: "What?".to_owned(),
        options: vec!["a".to_owned(), "b".to_owned()],
        multiple: false,
    };
    for outbound in [
        Outbound::Send(message(in_topic.clone(), "here")),
        Outbound::Typing(Typing { chat: in_topic.clone() }),
        Outbound::Poll(SendPoll { chat: in_topic, poll, key: OutboxId::new("k").expect("a key") }),
        Outbound::Edit(EditMessage { chat: chat(ANN), target: id(own), text: "_new_".to_owned() }),
        Outbound::React(React {
            chat: chat(ANN),
            target: id(question),
            emoji: Some("👍".to_owned()),
        }),
        Outbound::React(React { chat: chat(ANN), target: id(question), emoji: None }),
        Outbound::Delete(DeleteMessage { chat: chat(ANN), target: id(own) }),
    ] {
        channel.deliver(outbound).await.expect("a working service takes it");
    }
    channel.lookup(Lookup::Chat(chat(ANN).chat_id)).await.expect("found");
    let answered = |bot: &FakeBot| bot.is_answered(&press).then_some(());
    service.bot.wait_for(answered, PATIENCE).await.expect("the press is answered");
    running.stop().await;
}

#[tokio::test]
async fn no_call_is_beyond_what_the_service_documents() {
    let service = Service::start().await;
    call_everything(&service).await;
    assert_eq!(service.bot.violations(), Vec::<String>::new());
}

/// The calls against the strict models of another implementation of the Bot API. It needs a Python
/// with `crates/openclaw-testkit/validators/requirements.txt`, which CI provides.
#[tokio::test]
async fn every_call_passes_the_models_of_aiogram() {
    let environment = Environment::capture();
    let Some(python) = environment.var("OPENCLAW_TEST_PYTHON").map(str::to_owned) else {
        let in_ci = environment.var("CI").is_some_and(|ci| ci == "true");
        assert!(!in_ci, "CI has to set OPENCLAW_TEST_PYTHON");
        return;
    };
    let service = Service::start().await;
    call_everything(&service).await;
    let lines = service.bot.journal_lines();
    assert!(lines.lines().count() > 15, "{lines}");
    let script = "../../openclaw-testkit/validators/telegram_requests.py";
    let mut validator = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the Python of OPENCLAW_TEST_PYTHON starts");
    let mut input = validator.stdin.take().expect("piped");
    input.write_all(lines.as_bytes()).expect("the validator reads");
    drop(input);
    let output = validator.wait_with_output().expect("the validator ends");
    let told = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
}
