//! Recordings, from a file or from memory, by the name of their format.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use regex::Regex;

use crate::stacks::{Result, Stacks, StacksError, Weight, is_perf, read_collapsed, read_perf};

const READ_BUFFER_BYTES: usize = 1 << 20;

/// A file, to be read as a stream.
pub fn open(path: &Path) -> Result<BufReader<File>> {
    let file = File::open(path)?;
    Ok(BufReader::with_capacity(READ_BUFFER_BYTES, file))
}

/// What of a `perf script` is counted.
#[derive(Debug, Clone, Default)]
pub struct Counting {
    /// Periods, where the text has them, rather than samples.
    pub periods: bool,
    /// The kind of event; the first if none is named.
    pub event: Option<String>,
}

/// The stacks of a recording in that format.
pub fn read(format: &str, counting: &Counting, mut reader: impl BufRead) -> Result<Stacks> {
    let weight = if counting.periods {
        Weight::Period
    } else {
        Weight::Sample
    };
    let is_perf = match format {
        "collapsed" => false,
        "perf" => true,
        "guess" => is_perf(reader.fill_buf()?),
        other => {
            return Err(StacksError::Argument(format!(
                "there is no format {other:?}: use collapsed, perf or guess"
            )));
        }
    };
    if is_perf {
        read_perf(reader, weight, counting.event.as_deref())
    } else {
        read_collapsed(reader)
    }
}

/// A regular expression that the caller gave.
pub fn pattern(text: &str) -> Result<Regex> {
    Ok(Regex::new(text)?)
}
