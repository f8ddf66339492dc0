/// How a parameter's value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ParamKind {
    Integer,
    Float,
    Boolean,
    Text,
    /// A number, or text that begins with `@`.
    ChatId,
    /// An object or array, or either as text.
    Json,
    /// The id of a file, or an upload.
    File,
}

use ParamKind::{Boolean, ChatId, File, Float, Integer, Json, Text};

/// A method with the parameters it knows.
#[derive(Debug)]
pub(crate) struct MethodSpec {
    pub(crate) name: &'static str,
    params: &'static [(&'static str, ParamKind)],
    sends: bool,
}

impl MethodSpec {
    pub(crate) fn find(name: &str) -> Option<&'static Self> {
        METHODS.iter().find(|method| method.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn kind_of(&self, param: &str) -> Option<ParamKind> {
        let common = if self.sends { SENDING } else { &[] };
        self.params.iter().chain(common).find(|(name, _)| *name == param).map(|(_, kind)| *kind)
    }
}

const SENDING: &[(&str, ParamKind)] = &[
    ("business_connection_id", Text),
    ("chat_id", ChatId),
    ("message_thread_id", Integer),
    ("direct_messages_topic_id", Integer),
    ("disable_notification", Boolean),
    ("protect_content", Boolean),
    ("allow_paid_broadcast", Boolean),
    ("message_effect_id", Text),
    ("suggested_post_parameters", Json),
    ("reply_parameters", Json),
    ("reply_markup", Json),
];

const METHODS: &[MethodSpec] = &[
    MethodSpec { name: "getMe", sends: false, params: &[] },
    MethodSpec {
        name: "getUpdates",
        sends: false,
        params: &[
            ("offset", Integer),
            ("limit", Integer),
            ("timeout", Integer),
            ("allowed_updates", Json),
        ],
    },
    MethodSpec {
        name: "setWebhook",
        sends: false,
        params: &[
            ("url", Text),
            ("certificate", File),
            ("ip_address", Text),
            ("max_connections", Integer),
            ("allowed_updates", Json),
            ("drop_pending_updates", Boolean),
            ("secret_token", Text),
        ],
    },
    MethodSpec {
        name: "deleteWebhook",
        sends: false,
        params: &[("drop_pending_updates", Boolean)],
    },
    MethodSpec { name: "getWebhookInfo", sends: false, params: &[] },
    MethodSpec {
        name: "sendMessage",
        sends: true,
        params: &[
            ("text", Text),
            ("parse_mode", Text),
            ("entities", Json),
            ("link_preview_options", Json),
        ],
    },
    MethodSpec {
        name: "editMessageText",
        sends: false,
        params: &[
            ("business_connection_id", Text),
            ("chat_id", ChatId),
            ("message_id", Integer),
            ("inline_message_id", Text),
            ("text", Text),
            ("parse_mode", Text),
            ("entities", Json),
            ("link_preview_options", Json),
            ("reply_markup", Json),
        ],
    },
    MethodSpec {
        name: "editMessageCaption",
        sends: false,
        params: &[
            ("business_connection_id", Text),
            ("chat_id", ChatId),
            ("message_id", Integer),
            ("inline_message_id", Text),
            ("caption", Text),
            ("parse_mode", Text),
            ("caption_entities", Json),
            ("show_caption_above_media", Boolean),
            ("reply_markup", Json),
        ],
    },
    MethodSpec {
        name: "deleteMessage",
        sends: false,
        params: &[("chat_id", ChatId), ("message_id", Integer)],
    },
    MethodSpec {
        name: "sendPhoto",
        sends: true,
        params: &[
            ("photo", File),
            ("caption", Text),
            ("parse_mode", Text),
            ("caption_entities", Json),
            ("show_caption_above_media", Boolean),
            ("has_spoiler", Boolean),
        ],
    },
    MethodSpec {
        name: "sendDocument",
        sends: true,
        params: &[
            ("document", File),
            ("thumbnail", File),
            ("caption", Text),
            ("parse_mode", Text),
            ("caption_entities", Json),
            ("disable_content_type_detection", Boolean),
        ],
    },
    MethodSpec {
        name: "sendVoice",
        sends: true,
        params: &[
            ("voice", File),
            ("caption", Text),
            ("parse_mode", Text),
            ("caption_entities", Json),
            ("duration", Integer),
        ],
    },
    MethodSpec { name: "sendMediaGroup", sends: true, params: &[("media", Json)] },
    MethodSpec {
        name: "sendPoll",
        sends: true,
        params: &[
            ("question", Text),
            ("question_parse_mode", Text),
            ("question_entities", Json),
            ("options", Json),
            ("is_anonymous", Boolean),
            ("type", Text),
            ("allows_multiple_answers", Boolean),
            ("correct_option_id", Integer),
            ("explanation", Text),
            ("explanation_parse_mode", Text),
            ("explanation_entities", Json),
            ("open_period", Integer),
            ("close_date", Integer),
            ("is_closed", Boolean),
        ],
    },
    MethodSpec {
        name: "sendLocation",
        sends: true,
        params: &[("latitude", Float), ("longitude", Float), ("horizontal_accuracy", Float)],
    },
    MethodSpec {
        name: "sendChatAction",
        sends: false,
        params: &[
            ("business_connection_id", Text),
            ("chat_id", ChatId),
            ("message_thread_id", Integer),
            ("action", Text),
        ],
    },
    MethodSpec {
        name: "setMessageReaction",
        sends: false,
        params: &[
            ("chat_id", ChatId),
            ("message_id", Integer),
            ("reaction", Json),
            ("is_big", Boolean),
        ],
    },
    MethodSpec { name: "getFile", sends: false, params: &[("file_id", Text)] },
    MethodSpec { name: "getChat", sends: false, params: &[("chat_id", ChatId)] },
    MethodSpec {
        name: "getChatMember",
        sends: false,
        params: &[("chat_id", ChatId), ("user_id", Integer)],
    },
    MethodSpec {
        name: "getMyCommands",
        sends: false,
        params: &[("scope", Json), ("language_code", Text)],
    },
    MethodSpec {
        name: "setMyCommands",
        sends: false,
        params: &[("commands", Json), ("scope", Json), ("language_code", Text)],
    },
    MethodSpec {
        name: "answerCallbackQuery",
        sends: false,
        params: &[
            ("callback_query_id", Text),
            ("text", Text),
            ("show_alert", Boolean),
            ("url", Text),
            ("cache_time", Integer),
        ],
    },
];

/// The kinds of updates there are.
pub(crate) const UPDATE_KINDS: &[&str] = &[
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "message_reaction",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
];

/// The kinds that come only when they are asked for by name.
pub(crate) const ONLY_BY_NAME: &[&str] =
    &["chat_member", "message_reaction", "message_reaction_count"];

/// The emoji a bot may react with.
pub(crate) const REACTIONS: &[&str] = &[
    "👍",
    "👎",
    "❤",
    "🔥",
    "🥰",
    "👏",
    "😁",
    "🤔",
    "🤯",
    "😱",
    "🤬",
    "😢",
    "🎉",
    "🤩",
    "🤮",
    "💩",
    "🙏",
    "👌",
    "🕊",
    "🤡",
    "🥱",
    "🥴",
    "😍",
    "🐳",
    "❤\u{200d}🔥",
    "🌚",
    "🌭",
    "💯",
    "🤣",
    "⚡",
    "🍌",
    "🏆",
    "💔",
    "🤨",
    "😐",
    "🍓",
    "🍾",
    "💋",
    "🖕",
    "😈",
    "😴",
    "😭",
    "🤓",
    "👻",
    "👨\u{200d}💻",
    "👀",
    "🎃",
    "🙈",
    "😇",
    "😨",
    "🤝",
    "✍",
    "🤗",
    "🫡",
    "🎅",
    "🎄",
    "☃",
    "💅",
    "🤪",
    "🗿",
    "🆒",
    "💘",
    "🙉",
    "🦄",
    "😘",
    "💊",
    "🙊",
    "😎",
    "👾",
    "🤷\u{200d}♂",
    "🤷",
    "🤷\u{200d}♀",
    "😡",
];

/// What `sendChatAction` accepts.
pub(crate) const CHAT_ACTIONS: &[&str] = &[
    "typing",
    "upload_photo",
    "record_video",
    "upload_video",
    "record_voice",
    "upload_voice",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video_note",
    "upload_video_note",
];
