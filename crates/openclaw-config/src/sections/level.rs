use crate::{Field, SpannedValue};

/// Whether the keys of a table have defaults of their own, or take those of the table above.
#[derive(Clone, Copy)]
pub(super) enum Level {
    /// The table that holds for all.
    Defaults,
    /// The table of one agent.
    Entry,
}

impl Level {
    pub(super) fn of<'r, T: 'r>(
        self,
        field: Field<'r, '_, T>,
        default: impl Into<SpannedValue>,
    ) -> Option<T> {
        match self {
            Self::Defaults => Some(field.default(default)),
            Self::Entry => field.optional(),
        }
    }
}
