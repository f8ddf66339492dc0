use openclaw_core::{MessageContent, Outbound, SendMessage};
use openclaw_testkit::telegram::{Failure, Post};

use crate::support::{ANN, PNG, Service, chat, message};

#[tokio::test]
async fn files_are_stored_before_they_are_handed_in() {
    let service = Service::start().await;
    let running = service.connect().await;
    let text = b"a,b\n1,2\n".as_slice();
    service.bot.post(ANN, ANN, Post::document("../numbers.csv", "image/png", text).caption("see"));
    let event = running.ingress.only().await;
    let MessageContent::Media { media, caption } = &event.content else {
        panic!("a file, not {:?}", event.content);
    };
    assert_eq!(caption.as_deref(), Some("see"));
    assert_eq!(media[0].file_name.as_deref(), Some("numbers.csv"));
    assert_eq!(media[0].size_bytes, 8);
    assert!(!media[0].mime_type.starts_with("image/"), "by content: {}", media[0].mime_type);
    let stored = service.media.read(&media[0].media_id, 100).await.expect("it is stored");
    assert_eq!(stored, text);
    running.stop().await;
    assert_eq!(service.bot.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn every_kind_of_file_arrives() {
    let service = Service::start().await;
    let running = service.connect().await;
    let kinds =
        ["photo", "document", "audio", "voice", "video", "video_note", "animation", "sticker"];
    for kind in kinds {
        service.bot.post(ANN, ANN, Post::file(kind, "f.bin", "", [PNG, kind.as_bytes()].concat()));
    }
    let events = running.ingress.wait_for(kinds.len()).await;
    for (event, kind) in events.iter().zip(kinds) {
        let media = event.content.media();
        assert_eq!(media.len(), 1, "{kind}: {:?}", event.content);
        let bytes = service.media.read(&media[0].media_id, 100).await.expect("it is stored");
        assert!(bytes.ends_with(kind.as_bytes()), "{kind}");
    }
    assert_eq!(events[7].content.plain_text(), "🙂", "a sticker comes with its emoji");
    running.stop().await;
}

#[tokio::test]
async fn a_file_above_the_limit_leaves_a_note() {
    let service = Service::start().await;
    let running = service.connect().await;
    let huge = Post::document("film.mkv", "video/x-matroska", "x").claimed_size(3 << 30);
    service.bot.post(ANN, ANN, huge.caption("watch this"));
    let event = running.ingress.only().await;
    assert_eq!(
        event.content,
        MessageContent::text("watch this\n[document \"film.mkv\" not received: larger than 20 MB]")
    );
    assert_eq!(service.bot.calls("getFile"), Vec::<serde_json::Value>::new());
    running.stop().await;
}

#[tokio::test]
async fn more_bytes_than_announced_are_not_kept() {
    let service = Service::start().await;
    let mut settings = service.settings(crate::support::TOKEN);
    settings.media_max_bytes = Some(1_000);
    let channel = service.channel_with(settings);
    let running = crate::support::Running::start(
        channel,
        &service.media,
        std::sync::Arc::new(openclaw_core::SystemClock),
    );
    let lying =
        Post::document("a.bin", "application/octet-stream", vec![1; 5_000]).claimed_size(10);
    service.bot.post(ANN, ANN, lying);
    let event = running.ingress.only().await;
    assert!(event.content.media().is_empty(), "{:?}", event.content);
    assert!(event.content.plain_text().contains("not received"));
    running.stop().await;
}

#[tokio::test]
async fn a_download_that_breaks_is_tried_again_and_then_noted() {
    let service = Service::start().await;
    let running = service.connect().await;
    service.bot.fail_next("download", 1, Failure::Drop);
    service.bot.post(ANN, ANN, Post::photo(PNG));
    let events = running.ingress.wait_for(1).await;
    assert_eq!(events[0].content.media().len(), 1, "the second try works");

    service.bot.fail_next("getFile", 3, Failure::Drop);
    service.bot.post(ANN, ANN, Post::photo(PNG).caption("look"));
    let events = running.ingress.wait_for(2).await;
    assert_eq!(events[1].content, MessageContent::text("look\n[photo could not be received]"));
    running.stop().await;
}

async fn with_files(service: &Service, text: &str, files: &[(&[u8], &str)]) -> SendMessage {
    let mut send = message(chat(ANN), text);
    for (bytes, name) in files {
        send.media.push(service.store(bytes, name).await);
    }
    send
}

#[tokio::test]
async fn a_picture_goes_out_as_a_photo_with_its_caption() {
    let service = Service::start().await;
    let send = with_files(&service, "the **sea**", &[(PNG, "sea.png")]).await;
    let receipt = service.channel_deliver(send).await;
    let sent = service.bot.sent(ANN);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].method, "sendPhoto");
    assert_eq!(sent[0].text, "the sea");
    assert_eq!(sent[0].entities.len(), 1);
    let file = sent[0].file.as_ref().expect("a file");
    assert_eq!((file.name.as_str(), file.bytes.as_ref()), ("sea.png", PNG));
    assert_eq!(crate::support::message_id(&receipt), sent[0].message_id);
    assert_eq!(service.bot.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn other_files_go_out_as_documents_and_sound_as_voice() {
    let service = Service::start().await;
    let ogg = b"OggS\0\x02\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\x13OpusHead";
    for (bytes, name, method) in [
        (b"%PDF-1.7\n".as_slice(), "a.pdf", "sendDocument"),
        (b"GIF89a\x01\0\x01\0".as_slice(), "a.gif", "sendDocument"),
        (ogg.as_slice(), "a.oga", "sendVoice"),
    ] {
        let send = with_files(&service, "", &[(bytes, name)]).await;
        service.channel_deliver(send).await;
        let sent = service.bot.sent(ANN);
        let last = sent.last().expect("it was sent");
        assert_eq!(last.method, method, "{name}");
        assert_eq!(last.file.as_ref().expect("a file").bytes.as_ref(), bytes);
        assert_eq!(last.text, "");
    }
    assert_eq!(service.bot.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn several_files_are_an_album() {
    let service = Service::start().await;
    let other = [PNG, b"2"].concat();
    let send = with_files(&service, "both", &[(PNG, "1.png"), (&other, "2.png")]).await;
    let receipt = service.channel_deliver(send).await;
    let sent = service.bot.sent(ANN);
    assert_eq!(sent.len(), 2);
    assert!(sent.iter().all(|message| message.method == "sendMediaGroup"));
    assert_eq!((sent[0].text.as_str(), sent[1].text.as_str()), ("both", ""));
    assert!(sent.iter().all(|message| message.json.get("photo").is_some()));
    assert_eq!(crate::support::message_id(&receipt), sent[0].message_id);

    let mixed = with_files(&service, "", &[(PNG, "1.png"), (b"%PDF-1.7\n", "2.pdf")]).await;
    service.channel_deliver(mixed).await;
    let sent = service.bot.sent(ANN);
    assert!(sent[2..].iter().all(|message| message.json.get("document").is_some()));
    assert_eq!(service.bot.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn eleven_files_are_an_album_and_one_more() {
    let service = Service::start().await;
    let files: Vec<Vec<u8>> = (0..11u8).map(|number| [PNG, &[number]].concat()).collect();
    let files: Vec<(&[u8], &str)> = files.iter().map(|file| (file.as_slice(), "f.png")).collect();
    let send = with_files(&service, "many", &files).await;
    service.channel_deliver(send).await;
    let methods: Vec<_> = service.bot.sent(ANN).into_iter().map(|sent| sent.method).collect();
    assert_eq!(methods.iter().filter(|method| *method == "sendMediaGroup").count(), 10);
    assert_eq!(methods.last().map(String::as_str), Some("sendPhoto"));
}

#[tokio::test]
async fn a_long_text_follows_its_file() {
    let service = Service::start().await;
    let text = "long ".repeat(300);
    let send = with_files(&service, &text, &[(PNG, "sea.png")]).await;
    service.channel_deliver(send).await;
    let sent = service.bot.sent(ANN);
    assert_eq!(sent.len(), 2);
    assert_eq!((sent[0].method.as_str(), sent[0].text.as_str()), ("sendPhoto", ""));
    assert_eq!((sent[1].method.as_str(), sent[1].text.as_str()), ("sendMessage", text.trim()));
}

#[tokio::test]
async fn what_is_no_picture_after_all_goes_out_as_a_document() {
    let service = Service::start().await;
    let description = "PHOTO_INVALID_DIMENSIONS".to_owned();
    service.bot.fail_next("sendPhoto", 1, Failure::BadRequest { description });
    let send = with_files(&service, "wide", &[(PNG, "wide.png")]).await;
    service.channel_deliver(send).await;
    let sent = service.bot.sent(ANN);
    assert_eq!((sent.len(), sent[0].method.as_str()), (1, "sendDocument"));
    assert_eq!(sent[0].text, "wide");
}

#[tokio::test]
async fn a_file_that_is_gone_or_too_large_is_not_tried() {
    use openclaw_channel_traits::{Channel, DeliveryError};
    let service = Service::start().await;
    let channel = service.channel();
    let mut send = with_files(&service, "", &[(PNG, "a.png")]).await;
    send.media[0].size_bytes = 60 << 20;
    let large = channel.deliver(Outbound::Send(send.clone())).await;
    assert!(matches!(large, Err(DeliveryError::TooLarge(_))), "{large:?}");
    send.media[0].size_bytes = 10;
    send.media[0].media_id = openclaw_core::MediaId::new("0".repeat(64)).expect("an id");
    let gone = channel.deliver(Outbound::Send(send)).await;
    assert!(matches!(gone, Err(DeliveryError::Refused(_))), "{gone:?}");
    assert!(service.bot.journal().is_empty());
}

#[tokio::test]
async fn an_upload_that_is_cut_is_unknown() {
    use openclaw_channel_traits::{Channel, DeliveryError};
    let service = Service::start().await;
    for failure in [Failure::DoneThenDrop, Failure::DoneThenHang, Failure::Undecodable] {
        service.bot.fail_next("sendPhoto", 1, failure.clone());
        let send = with_files(&service, "x", &[(PNG, "a.png")]).await;
        let result = service.channel().deliver(Outbound::Send(send)).await;
        assert!(matches!(result, Err(DeliveryError::Unknown(_))), "{failure:?}: {result:?}");
    }
}
