//! The menu of commands that Telegram shows beside the text field.

use openclaw_channel_traits::MenuCommand;
use teloxide::payloads::{GetMyCommands, SetMyCommands};
use teloxide::types::{BotCommand, BotCommandScope};

use crate::api::{Answering, CallFailure, Client, Ignored};

/// Telegram's limits: so many commands, with a description of so many characters.
const MOST_COMMANDS: usize = 100;
const LONGEST_DESCRIPTION: usize = 256;

/// Has Telegram show these commands: all of them in private chats, those for everyone in groups.
/// What it shows already is not set again.
pub(crate) async fn show(calls: &Client, commands: &[MenuCommand]) -> Result<(), CallFailure> {
    let for_groups = commands.iter().filter(|command| command.for_everyone);
    let menus = [
        (BotCommandScope::AllPrivateChats, commands.iter().map(bot_command).collect::<Vec<_>>()),
        (BotCommandScope::AllGroupChats, for_groups.map(bot_command).collect()),
    ];
    for (scope, mut wanted) in menus {
        wanted.truncate(MOST_COMMANDS);
        let mut ask = GetMyCommands::new();
        ask.scope = Some(scope.clone());
        if calls.call(ask).await? == wanted {
            continue;
        }
        let mut set = SetMyCommands::new(wanted);
        set.scope = Some(scope);
        let Ignored = calls.call(Answering::<_, Ignored>::new(set)).await?;
    }
    Ok(())
}

fn bot_command(command: &MenuCommand) -> BotCommand {
    let about: String = command.about.chars().take(LONGEST_DESCRIPTION).collect();
    BotCommand::new(command.name.as_str(), about)
}
