//! What one request takes: a row of each file, what is generated for it, and what earlier answers gave.

use std::sync::Arc;

use super::file::{File, Order};
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

/// Where the values of a request, or of the steps of a flow, come from.
#[derive(Debug, Default)]
pub struct Values {
    pub files: Vec<Arc<File>>,
    pub sources: Vec<Source>,
    /// Which of the sources a user keeps, with the rows of their files: what it began with.
    kept: Vec<bool>,
}

impl Values {
    /// Of one request, or of the steps of a flow, whose first `kept` sources a user keeps.
    pub fn new(files: Vec<Arc<File>>, sources: Vec<Source>, kept: usize) -> Self {
        Self {
            kept: (0..sources.len()).map(|number| number < kept).collect(),
            files,
            sources,
        }
    }

    /// Whether there are any that differ.
    pub fn differ(&self) -> bool {
        !self.sources.is_empty()
    }

    /// Whether no value of some may come twice.
    pub fn once(&self) -> bool {
        let unique = |file: &Arc<File>| matches!(file.order, Order::Unique { .. });
        self.differ() && self.files.iter().any(unique) || self.sources.iter().any(Source::is_once)
    }

    fn keeps_file(&self, number: usize) -> bool {
        let of_file =
            |source: &Source| matches!(source, Source::Column { file, .. } if *file == number);
        let mut sources = self.sources.iter().zip(&self.kept);
        sources.any(|(source, kept)| *kept && of_file(source))
    }
}

/// The positions that values are taken at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// Of the request, or of the round of a flow.
    pub request: u64,
    /// Of the user, for what it keeps.
    pub user: u64,
}

/// The values of one request, kept so that their memory is used again.
#[derive(Debug, Default)]
pub struct Drawn {
    /// What earlier answers gave.
    pub captured: Vec<Vec<u8>>,
    rows: Vec<usize>,
    text: String,
    ends: Vec<usize>,
}

impl Drawn {
    /// Take the values of a position.
    pub fn draw(
        &mut self,
        values: &Values,
        seed: u64,
        position: Position,
    ) -> Result<(), OutOfData> {
        let at = |kept| {
            if kept {
                position.user
            } else {
                position.request
            }
        };
        self.rows.clear();
        for (number, file) in values.files.iter().enumerate() {
            let row = file.row(at(values.keeps_file(number)), seed, number);
            self.rows.push(row.ok_or(OutOfData)?);
        }
        self.text.clear();
        self.ends.clear();
        for (number, source) in values.sources.iter().enumerate() {
            if let Source::Generated(generator) = source {
                generator.write(at(values.kept[number]), seed, number, &mut self.text);
            }
            self.ends.push(self.text.len());
        }
        Ok(())
    }

    /// The value of a source, by its number.
    pub fn value<'a>(&'a self, values: &'a Values, number: usize) -> &'a [u8] {
        match values.sources[number] {
            Source::Column { file, column } => {
                values.files[file].table.value(self.rows[file], column)
            }
            Source::Captured(capture) => self.captured.get(capture).map_or(&[], Vec::as_slice),
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
