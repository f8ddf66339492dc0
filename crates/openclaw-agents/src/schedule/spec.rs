use openclaw_core::{Timestamp, write_duration};
use serde::{Deserialize, Serialize};

/// When a job is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Schedule {
    /// Once.
    At {
        /// The moment.
        at: Timestamp,
    },
    /// Again and again, so far apart.
    Every {
        /// How far, in milliseconds; at least 1,000.
        every_ms: u64,
        /// A moment that all others are counted from.
        anchor: Timestamp,
    },
    /// As a cron expression of 5 or 6 fields says.
    Cron {
        /// The expression.
        expr: String,
        /// The IANA name of the time zone it is meant in; else the machine's.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        tz: Option<String>,
        /// The job is due up to so much later, always by the same for one job.
        #[serde(default)]
        stagger_ms: u64,
    },
}

impl Schedule {
    /// Whether it ends by itself.
    pub fn is_once(&self) -> bool {
        matches!(self, Self::At { .. })
    }

    /// In words, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::At { at } => format!("at {at}"),
            Self::Every { every_ms, .. } => format!("every {}", write_duration(*every_ms)),
            Self::Cron { expr, tz, .. } => match tz {
                Some(tz) => format!("{expr} ({tz})"),
                None => expr.clone(),
            },
        }
    }
}
