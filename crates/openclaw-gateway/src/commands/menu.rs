use openclaw_channel_traits::MenuCommand;

use super::{CommandInfo, LIST, Who};

/// The commands as services show them in menus of their own.
pub fn menu() -> Vec<MenuCommand> {
    let command = |info: &CommandInfo| MenuCommand {
        name: info.name.to_owned(),
        about: info.about.to_owned(),
        for_everyone: info.who == Who::Anyone,
    };
    LIST.iter().map(command).collect()
}
