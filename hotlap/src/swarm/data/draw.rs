//! What one request takes: a row of each file, and what is generated for it.

use std::sync::Arc;

use super::file::File;
use super::source::Source;

/// No row is left that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfData;

/// Which of the positions are this process's, where several load one server: each n-th, from the i-th on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub first: u64,
    pub step: u64,
}

impl Share {
    /// All of them.
    pub const WHOLE: Self = Self { first: 0, step: 1 };

    /// The position of this process's n-th request.
    pub fn position(self, number: u64) -> u64 {
        self.first.saturating_add(number.saturating_mul(self.step))
    }
}

/// The values of one request, kept so that their memory is used again.
#[derive(Debug, Default)]
pub struct Drawn {
    pub position: u64,
    rows: Vec<usize>,
    text: String,
    ends: Vec<usize>,
}

impl Drawn {
    /// Take the values of a position.
    pub fn draw(
        &mut self,
        files: &[Arc<File>],
        sources: &[Source],
        seed: u64,
        position: u64,
    ) -> Result<(), OutOfData> {
        self.position = position;
        self.rows.clear();
        for (number, file) in files.iter().enumerate() {
            self.rows
                .push(file.row(position, seed, number).ok_or(OutOfData)?);
        }
        self.text.clear();
        self.ends.clear();
        for (number, source) in sources.iter().enumerate() {
            if let Source::Generated(generator) = source {
                generator.write(position, seed, number, &mut self.text);
            }
            self.ends.push(self.text.len());
        }
        Ok(())
    }

    /// The value of a source, by its number.
    pub fn value<'a>(
        &'a self,
        files: &'a [Arc<File>],
        sources: &[Source],
        number: usize,
    ) -> &'a [u8] {
        match sources[number] {
            Source::Column { file, column } => files[file].table.value(self.rows[file], column),
            Source::Generated(_) => {
                let start = if number == 0 {
                    0
                } else {
                    self.ends[number - 1]
                };
                &self.text.as_bytes()[start..self.ends[number]]
            }
        }
    }
}
