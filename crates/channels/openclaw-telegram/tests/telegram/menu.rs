use std::sync::Arc;

use openclaw_channel_traits::MenuCommand;
use openclaw_core::SystemClock;
use openclaw_testkit::telegram::FakeBot;

use crate::support::{PATIENCE, Running, Service};

fn menu(names: &[(&str, bool)]) -> Arc<[MenuCommand]> {
    let command = |&(name, for_everyone): &(&str, bool)| MenuCommand {
        name: name.to_owned(),
        about: format!("what /{name} does"),
        for_everyone,
    };
    names.iter().map(command).collect()
}

fn shown(bot: &FakeBot, scope: &str) -> Vec<String> {
    let name = |command: &serde_json::Value| command["command"].as_str().map(str::to_owned);
    bot.commands(scope).iter().filter_map(name).collect()
}

/// Connects until the menu was looked at and set so many times in all.
async fn connect(service: &Service, commands: Arc<[MenuCommand]>, set: usize) {
    let asked = service.bot.calls("getMyCommands").len();
    let clock = Arc::new(SystemClock);
    let running = Running::start_with(service.channel(), &service.media, clock, commands);
    let both = |bot: &FakeBot| {
        let looked = bot.calls("getMyCommands").len() >= asked + 2;
        (looked && bot.calls("setMyCommands").len() >= set).then_some(())
    };
    service.bot.wait_for(both, PATIENCE).await.expect("the menu is looked at");
    running.stop().await;
}

#[tokio::test]
async fn the_menu_is_set_by_scope_and_only_when_it_changed() {
    let service = Service::start().await;
    let commands = menu(&[("help", true), ("model", false)]);
    connect(&service, commands.clone(), 2).await;
    connect(&service, commands, 2).await;
    assert_eq!(shown(&service.bot, "all_private_chats"), ["help", "model"]);
    assert_eq!(shown(&service.bot, "all_group_chats"), ["help"]);
    assert_eq!(service.bot.calls("setMyCommands").len(), 2, "once for each scope");
    connect(&service, menu(&[("help", true), ("queue", false)]), 3).await;
    connect(&service, menu(&[("help", true), ("queue", false)]), 3).await;
    assert_eq!(shown(&service.bot, "all_private_chats"), ["help", "queue"]);
    assert_eq!(service.bot.calls("setMyCommands").len(), 3, "groups see no change");
    assert_eq!(service.bot.violations(), Vec::<String>::new());
}
