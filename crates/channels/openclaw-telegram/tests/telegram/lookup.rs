use openclaw_channel_traits::{Channel, DeliveryError, Found, LookedUpChat, LookedUpUser, Lookup};
use openclaw_core::{ChatId, ChatKind, OutboxId, Timestamp, UserId};

use crate::support::{ANN, Service, TEAM, chat};

#[tokio::test]
async fn chats_people_and_the_account_are_found() {
    let service = Service::start().await;
    let channel = service.channel();
    let group = ChatId::new(TEAM.to_string()).expect("an id");
    assert_eq!(
        channel.lookup(Lookup::Chat(group.clone())).await,
        Ok(Found::Chat(Some(LookedUpChat {
            id: group.clone(),
            kind: ChatKind::Group,
            title: Some("Team".to_owned()),
        })))
    );
    let ann = UserId::new(ANN.to_string()).expect("an id");
    assert_eq!(
        channel.lookup(Lookup::User(ann.clone())).await,
        Ok(Found::User(Some(LookedUpUser {
            id: ann,
            display_name: Some("Ann".to_owned()),
            username: Some("ann".to_owned()),
        })))
    );
    let account = channel.lookup(Lookup::Account).await;
    assert_eq!(account, Ok(Found::Account("@fake_bot".to_owned())));
    let group_as_user = UserId::new(TEAM.to_string()).expect("an id");
    assert_eq!(channel.lookup(Lookup::User(group_as_user)).await, Ok(Found::User(None)));
}

#[tokio::test]
async fn what_is_not_there_is_none() {
    let service = Service::start().await;
    let channel = service.channel();
    for id in ["424242", "not a chat"] {
        let id = ChatId::new(id).expect("an id");
        assert_eq!(channel.lookup(Lookup::Chat(id)).await, Ok(Found::Chat(None)));
    }
    let own = Lookup::OwnMessage {
        chat: chat(ANN),
        key: OutboxId::new("k").expect("a key"),
        text: "x".to_owned(),
        since: Timestamp::from_millis(0),
    };
    let unsupported = channel.lookup(own).await;
    assert!(matches!(unsupported, Err(DeliveryError::Unsupported(_))), "{unsupported:?}");
    assert_eq!(service.bot.violations(), Vec::<String>::new());
}
