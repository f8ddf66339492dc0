use std::io;
use std::sync::{Arc, Mutex};

use openclaw_channel_traits::Channel;
use openclaw_channel_traits::Lookup;
use openclaw_core::{ChatId, Outbound, SystemClock};
use openclaw_testkit::telegram::{Failure, Post};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::{ANN, PNG, Running, Service, chat, message, send};

/// Unlike a real token, so that nothing recognises it by its form.
const CANARY: &str = "canary:with-strange %characters";

#[derive(Clone, Default)]
struct Captured(Arc<Mutex<Vec<u8>>>);

impl io::Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("not poisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Captured {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// Everything that is shown or logged while all kinds of things go wrong, down to trace level.
#[tokio::test]
async fn the_token_is_in_no_error_and_no_log() {
    let captured = Captured::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(captured.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);

    let service = Service::start().await;
    let bot = service.fake.add_bot(CANARY, "canary_bot");
    bot.add_user(ANN, "Ann", None);
    let channel = service.channel_with(service.settings(CANARY));
    let mut shown = format!("{channel:?} {:?} ", service.settings(CANARY));
    for failure in [Failure::Drop, Failure::Hang, Failure::Undecodable, Failure::Unauthorized] {
        bot.fail_next("sendMessage", 1, failure.clone());
        shown += &format!("{:?} ", send(&channel, ANN, "hi").await);
        bot.fail_next("getChat", 1, failure.clone());
        let lookup = Lookup::Chat(ChatId::new("5").expect("an id"));
        shown += &format!("{:?} ", channel.lookup(lookup).await);
        bot.fail_next("getUpdates", 1, failure.clone());
        let running = Running::start(channel.clone(), &service.media, Arc::new(SystemClock));
        shown += &format!("{:?} ", running.ended().await);
        bot.fail_next("sendPhoto", 1, failure);
        let mut photo = message(chat(ANN), "x");
        photo.media.push(service.store(PNG, "a.png").await);
        shown += &format!("{:?} ", channel.deliver(Outbound::Send(photo)).await);
    }
    bot.fail_next("download", 3, Failure::Drop);
    bot.post(ANN, ANN, Post::photo(PNG));
    let running = Running::start(channel.clone(), &service.media, Arc::new(SystemClock));
    shown += &format!("{:?} ", running.ingress.wait_for(1).await);
    running.stop().await;
    drop(service);
    shown += &format!("{:?} ", send(&channel, ANN, "hi").await);

    let logged = String::from_utf8_lossy(&captured.0.lock().expect("not poisoned")).into_owned();
    assert!(logged.contains("an attachment was not fetched"), "our own logs are captured");
    for (what, text) in [("what is shown", &shown), ("the log", &logged)] {
        for needle in ["strange", "with-strange%20", "canary:with"] {
            if let Some(at) = text.find(needle) {
                let line = text[..at].rfind('\n').map_or(0, |start| start + 1);
                panic!("{what} holds the token after {:?}", &text[line..at]);
            }
        }
    }
}
