//! Requests with the moments at which they are due, in a file: it is read as it is played, whatever its size.
//!
//! A record is, little-endian: when it is due in microseconds after the first (u64), which kind of request it is (u32),
//! and its path with the length before it (u32).

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;
use std::time::Duration;

/// A path that is longer was not written by the lab.
const MOST_PATH_BYTES: usize = 1 << 20;
const BUFFER_BYTES: usize = 256 * 1024;

/// A request that is due.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    pub after: Duration,
    pub kind: usize,
    /// With its query.
    pub path: Vec<u8>,
}

/// A schedule, read from its beginning.
pub struct Schedule<R>(R);

impl Schedule<BufReader<File>> {
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        Ok(Self(BufReader::with_capacity(BUFFER_BYTES, file)))
    }
}

impl<R: Read> Schedule<R> {
    /// The next request; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Due>> {
        let mut head = [0; 16];
        if self.0.read(&mut head[..1])? == 0 {
            return Ok(None);
        }
        self.0.read_exact(&mut head[1..])?;
        let (due, rest) = head.split_at(8);
        let (kind, length) = rest.split_at(4);
        let word = |bytes: &[u8]| {
            bytes
                .iter()
                .rev()
                .fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte))
        };
        let length = usize::try_from(word(length)).unwrap_or(usize::MAX);
        if length > MOST_PATH_BYTES {
            return Err(invalid("a path is too long"));
        }
        let mut path = vec![0; length];
        self.0.read_exact(&mut path)?;
        if path.first() != Some(&b'/') || path.iter().any(|byte| *byte <= b' ' || *byte >= 0x7f) {
            return Err(invalid("a path cannot be sent"));
        }
        Ok(Some(Due {
            after: Duration::from_micros(word(due)),
            kind: usize::try_from(word(kind)).unwrap_or(usize::MAX),
            path,
        }))
    }

    /// Read it to its end: how many requests it has.
    pub fn check(mut self, kinds: usize) -> io::Result<u64> {
        let (mut count, mut last) = (0, Duration::ZERO);
        while let Some(due) = self.next()? {
            if due.kind >= kinds {
                return Err(invalid("there is no such kind of request"));
            }
            if due.after < last {
                return Err(invalid("the requests are not in order"));
            }
            last = due.after;
            count += 1;
        }
        Ok(count)
    }
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(after_us: u64, kind: u32, path: &str) -> Vec<u8> {
        let mut bytes = after_us.to_le_bytes().to_vec();
        bytes.extend(kind.to_le_bytes());
        bytes.extend(u32::try_from(path.len()).unwrap().to_le_bytes());
        bytes.extend(path.as_bytes());
        bytes
    }

    #[test]
    fn records_are_read_as_they_were_written() {
        let bytes = [record(0, 1, "/a"), record(70_000, 0, "/b?c=1")].concat();
        let mut schedule = Schedule(&bytes[..]);
        let due = |after_ms, kind, path: &str| Due {
            after: Duration::from_millis(after_ms),
            kind,
            path: path.into(),
        };
        assert_eq!(schedule.next().unwrap(), Some(due(0, 1, "/a")));
        assert_eq!(schedule.next().unwrap(), Some(due(70, 0, "/b?c=1")));
        assert_eq!(schedule.next().unwrap(), None);
        assert_eq!(Schedule(&bytes[..]).check(2).unwrap(), 2);
    }

    #[test]
    fn what_cannot_be_played_is_refused_before() {
        for bytes in [
            record(0, 2, "/a"),
            record(0, 0, ""),
            record(0, 0, "a"),
            record(0, 0, "/a b"),
            record(0, 0, "/a\r\nX: y"),
            record(0, 0, "/a")[..17].to_vec(),
            vec![0; 3],
            [record(2, 0, "/a"), record(1, 0, "/a")].concat(),
            [&[0; 12][..], &[255; 4]].concat(),
        ] {
            assert!(Schedule(&bytes[..]).check(2).is_err(), "{bytes:?}");
        }
    }
}
