/// A chat command as services that have menus of their own show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MenuCommand {
    /// Its name, without the slash: small letters.
    pub name: String,
    /// What it does.
    pub about: String,
    /// Whether everyone in a group may use it; else it is shown in direct chats alone.
    pub for_everyone: bool,
}
