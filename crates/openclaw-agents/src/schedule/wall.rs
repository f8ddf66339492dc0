//! Wall-clock time in a zone, as the search for occurrences wants it.

use std::cmp::Ordering;

use croner::errors::CronError;
use croner::{CivilDate, CivilDateTime, CivilTime, CronDateTime, Resolution, Weekday};
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// A moment, to the second, and the zone it is seen in.
#[derive(Debug, Clone)]
pub(super) struct WallTime {
    pub(super) at: Timestamp,
    pub(super) zone: TimeZone,
}

impl WallTime {
    fn shown(&self) -> DateTime {
        self.zone.to_datetime(self.at)
    }

    fn with(&self, at: Timestamp) -> Self {
        Self { at, zone: self.zone.clone() }
    }
}

fn part(number: i8) -> u32 {
    u32::from(number.unsigned_abs())
}

fn digits(number: u32) -> i8 {
    i8::try_from(number).unwrap_or(i8::MAX)
}

impl CronDateTime for WallTime {
    fn to_civil(&self) -> CivilDateTime {
        let shown = self.shown();
        let date = CivilDate::from_ymd_opt(
            i32::from(shown.year()),
            part(shown.month()),
            part(shown.day()),
        );
        CivilDateTime::new(
            date.expect("a date of the calendar is one"),
            CivilTime::from_parts_unchecked(
                part(shown.hour()),
                part(shown.minute()),
                part(shown.second()),
            ),
        )
    }

    fn civil_weekday(&self) -> Weekday {
        let day = self.shown().date().weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(part(day))
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let year = i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?;
        let shown = DateTime::new(
            year,
            digits(civil.month()),
            digits(civil.day()),
            digits(civil.hour()),
            digits(civil.minute()),
            digits(civil.second()),
            0,
        )
        .map_err(|_| CronError::InvalidDate)?;
        let found = self.zone.to_ambiguous_timestamp(shown);
        let moment = |at: Result<Timestamp, jiff::Error>| {
            at.map(|at| self.with(at)).map_err(|_| CronError::InvalidTime)
        };
        Ok(match found.offset() {
            AmbiguousOffset::Unambiguous { .. } => Resolution::Single(moment(found.unambiguous())?),
            AmbiguousOffset::Fold { .. } => {
                Resolution::Ambiguous(moment(found.earlier())?, moment(found.later())?)
            }
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        Some(self.with(self.at.checked_add(SignedDuration::from_secs(seconds)).ok()?))
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}
