use std::ops::Range;

/// What people see of a text, and how it is styled.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct StyledText {
    /// The text as it is shown.
    pub(crate) text: String,
    /// Properly nested, an outer one before those in it, none of them empty.
    pub(crate) spans: Vec<Span>,
    /// The blocks that stand in no other, in order; those that show nothing are left out.
    pub(crate) blocks: Vec<Block>,
    /// Whether the meaning of a block depends on definitions elsewhere in the source.
    pub(crate) has_definitions: bool,
}

/// A styled range of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) range: Range<usize>,
    pub(crate) style: Style,
}

/// A style; none stands in itself. `Code` stands in `Quote` alone and `Pre` in none; neither contains
/// one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Style {
    Bold,
    Italic,
    Strike,
    Code,
    /// With its address.
    Link(String),
    /// A code block, with its language.
    Pre(Option<String>),
    Quote,
}

/// A block of the source and what it shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) source: Range<usize>,
    pub(crate) text: Range<usize>,
    pub(crate) kind: BlockKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BlockKind {
    /// Its lines are items, so that line breaks in it must be kept.
    List,
    /// A code block between fences.
    Fence,
    Other,
}

impl Style {
    /// Whether it goes through the lines of a text, so that it is not to be cut.
    pub(crate) fn is_inline(&self) -> bool {
        match self {
            Self::Bold | Self::Italic | Self::Strike | Self::Code | Self::Link(_) => true,
            Self::Pre(_) | Self::Quote => false,
        }
    }

    pub(super) fn is_same_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }
}
