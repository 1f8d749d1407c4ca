//! Where the value that a placeholder stands for comes from.

use std::fmt::Write;
use std::time::{SystemTime, UNIX_EPOCH};

use super::chance::Chance;

/// Apart from the numbers of files.
const GENERATED: u64 = 1 << 32;
const MOST_HEX_DIGITS: usize = 1024;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A column of a file, by their numbers.
    Column {
        file: usize,
        column: usize,
    },
    /// What an earlier answer gave, by its number among the captures.
    Captured(usize),
    Generated(Generator),
}

impl Source {
    /// Whether no value of it comes twice.
    pub fn is_once(&self) -> bool {
        matches!(self, Self::Generated(Generator::Counter))
    }
}

/// What makes a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Generator {
    /// A random UUID (version 4).
    Uuid,
    /// 1, 2, 3 and so on, each once over all users, processes and workers.
    Counter,
    /// A whole number, bounds included.
    Int {
        low: i64,
        high: i64,
    },
    Now(Clock),
    /// Random hexadecimal digits.
    Hex {
        digits: usize,
    },
}

/// How a moment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// Unix time in whole seconds.
    Seconds,
    /// In milliseconds.
    Milliseconds,
    /// As RFC 3339 has it, in UTC.
    Text,
}

/// The generators, as they are written, for messages.
pub const GENERATORS: &str = "uuid, counter, int:LOW..HIGH, now, now:ms, now:iso, hex:DIGITS";

impl Generator {
    /// The generator of a name; `None` where it is not one's.
    ///
    /// # Errors
    /// What is wrong with its arguments.
    pub fn parse(name: &str) -> Result<Option<Self>, String> {
        let (kind, argument) = match name.split_once(':') {
            Some((kind, argument)) => (kind, Some(argument)),
            None => (name, None),
        };
        let found = match (kind, argument) {
            ("uuid", None) => Self::Uuid,
            ("counter", None) => Self::Counter,
            ("now", None) => Self::Now(Clock::Seconds),
            ("now", Some("ms")) => Self::Now(Clock::Milliseconds),
            ("now", Some("iso")) => Self::Now(Clock::Text),
            ("int", Some(bounds)) => {
                let wrong = || format!("{{{name}}}: write int:LOW..HIGH, as in {{int:1..1000}}");
                let (low, high) = bounds.split_once("..").ok_or_else(wrong)?;
                let low = low.parse().map_err(|_| wrong())?;
                let high = high.parse().map_err(|_| wrong())?;
                if low > high {
                    return Err(format!("{{{name}}}: {low} is above {high}"));
                }
                Self::Int { low, high }
            }
            ("hex", Some(digits)) => match digits.parse() {
                Ok(digits @ 1..=MOST_HEX_DIGITS) => Self::Hex { digits },
                _ => {
                    return Err(format!(
                        "{{{name}}}: write hex:DIGITS, from 1 to {MOST_HEX_DIGITS}, as in {{hex:16}}"
                    ));
                }
            },
            ("int", None) => return Err("{int}: write int:LOW..HIGH, as in {int:1..1000}".into()),
            ("hex", None) => return Err("{hex}: write hex:DIGITS, as in {hex:16}".into()),
            ("uuid" | "counter" | "now", Some(_)) => {
                return Err(format!("{{{name}}} is not one of {GENERATORS}"));
            }
            _ => return Ok(None),
        };
        Ok(Some(found))
    }

    /// Whether its values are numbers: they stand in JSON without quotes.
    pub fn is_number(&self) -> bool {
        matches!(
            self,
            Self::Counter | Self::Int { .. } | Self::Now(Clock::Seconds | Clock::Milliseconds)
        )
    }

    /// Whether its values need no escape in a path or query.
    pub fn is_plain_in_url(&self) -> bool {
        // A time has colons, a number may have a minus, which is unreserved.
        !matches!(self, Self::Now(Clock::Text))
    }

    /// Append the value for a position; `number` tells it from the request's other values.
    pub fn write(&self, position: u64, seed: u64, number: usize, into: &mut String) {
        let mut chance = Chance::new(seed, position, GENERATED + number as u64);
        // Writing to a string cannot fail.
        let _ = match *self {
            Self::Uuid => {
                let high = chance.bits() & !0xf000 | 0x4000;
                let low = chance.bits() & !(0b11 << 62) | 0b10 << 62;
                write!(
                    into,
                    "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
                    high >> 32,
                    high >> 16 & 0xffff,
                    high & 0xffff,
                    low >> 48,
                    low & 0xffff_ffff_ffff
                )
            }
            Self::Counter => write!(into, "{}", position + 1),
            Self::Int { low, high } => write!(into, "{}", chance.between(low, high)),
            Self::Now(clock) => write_now(clock, into),
            Self::Hex { digits } => {
                for _ in 0..digits {
                    into.push(char::from(b"0123456789abcdef"[chance.below(16) as usize]));
                }
                Ok(())
            }
        };
    }
}

fn write_now(clock: Clock, into: &mut String) -> std::fmt::Result {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    match clock {
        Clock::Seconds => write!(into, "{}", now.as_secs()),
        Clock::Milliseconds => write!(into, "{}", now.as_millis()),
        Clock::Text => write_utc(now.as_secs(), now.subsec_millis(), into),
    }
}

/// A moment as RFC 3339 has it. The date is found as Howard Hinnant's `civil_from_days` does.
fn write_utc(unix_s: u64, milliseconds: u32, into: &mut String) -> std::fmt::Result {
    let (days, of_day) = (unix_s / 86_400, unix_s % 86_400);
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + 400 * era + u64::from(month <= 2);
    write!(
        into,
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{milliseconds:03}Z",
        of_day / 3600,
        of_day / 60 % 60,
        of_day % 60
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(name: &str, position: u64) -> String {
        let mut text = String::new();
        let generator = Generator::parse(name).unwrap().unwrap();
        generator.write(position, 7, 0, &mut text);
        text
    }

    #[test]
    fn a_position_gives_the_same_value_again_and_another_another() {
        for name in ["uuid", "int:-5..1000000", "hex:9"] {
            assert_eq!(value(name, 3), value(name, 3));
            assert_ne!(value(name, 3), value(name, 4));
        }
        assert_eq!(
            (value("counter", 0), value("counter", 41)),
            ("1".into(), "42".into())
        );
        assert_eq!(value("hex:9", 1).len(), 9);
        let uuid = value("uuid", 5);
        assert_eq!((uuid.len(), &uuid[14..15]), (36, "4"));
        assert!("89ab".contains(&uuid[19..20]), "{uuid}");
    }

    #[test]
    fn numbers_are_within_their_bounds_and_reach_them() {
        let found: std::collections::BTreeSet<String> = (0..200)
            .map(|position| value("int:-1..1", position))
            .collect();
        assert_eq!(found.into_iter().collect::<Vec<_>>(), ["-1", "0", "1"]);
    }

    #[test]
    fn dates_are_those_of_the_calendar() {
        for (unix_s, wanted) in [
            (0, "1970-01-01T00:00:00.005Z"),
            (951_782_400, "2000-02-29T00:00:00.005Z"),
            (1_735_689_599, "2024-12-31T23:59:59.005Z"),
            (4_107_542_400, "2100-03-01T00:00:00.005Z"),
        ] {
            let mut text = String::new();
            write_utc(unix_s, 5, &mut text).unwrap();
            assert_eq!(text, wanted);
        }
    }

    #[test]
    fn what_is_not_a_generator_is_told() {
        assert_eq!(Generator::parse("id"), Ok(None));
        for wrong in [
            "int", "int:1", "int:b..2", "int:3..1", "hex", "hex:0", "hex:1025", "uuid:4", "now:us",
        ] {
            assert!(Generator::parse(wrong).is_err(), "{wrong}");
        }
    }
}
