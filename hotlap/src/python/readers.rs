//! Recordings, from a file or from memory, by the name of their format.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use regex::Regex;

use crate::stacks::{Result, Stacks, StacksError, read_collapsed, read_perf};

const READ_BUFFER_BYTES: usize = 1 << 20;

/// A file, to be read as a stream.
pub fn open(path: &Path) -> Result<BufReader<File>> {
    let file = File::open(path)?;
    Ok(BufReader::with_capacity(READ_BUFFER_BYTES, file))
}

/// The stacks of a recording in that format.
pub fn read(format: &str, reader: impl BufRead) -> Result<Stacks> {
    match format {
        "collapsed" => read_collapsed(reader),
        "perf" => read_perf(reader),
        other => Err(StacksError::Argument(format!(
            "there is no format {other:?}: use collapsed or perf"
        ))),
    }
}

/// A regular expression that the caller gave.
pub fn pattern(text: &str) -> Result<Regex> {
    Ok(Regex::new(text)?)
}
