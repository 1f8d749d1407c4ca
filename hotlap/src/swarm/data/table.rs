//! A file of rows and columns in memory: one block of bytes, and where each value ends in it.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};

use serde_json::value::RawValue;

use super::json;
use super::url::is_unreserved;
use crate::swarm::error::{EngineError, Result};

/// A column, and what is true of all its values.
#[derive(Clone, Debug)]
pub struct Column {
    pub name: String,
    /// None has a character that a path or query would have to escape.
    pub plain_in_url: bool,
    /// None has a character that a JSON string would have to escape.
    pub plain_in_json: bool,
    /// None has a line break or a zero byte.
    pub one_line: bool,
}

impl Column {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            plain_in_url: true,
            plain_in_json: true,
            one_line: true,
        }
    }

    fn see(&mut self, value: &[u8]) {
        self.plain_in_url &= value.iter().all(|byte| is_unreserved(*byte));
        self.plain_in_json &= json::is_plain(value);
        self.one_line &= !value.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0));
    }
}

/// Rows of values, all of them text.
#[derive(Debug)]
pub struct Table {
    pub path: PathBuf,
    pub columns: Vec<Column>,
    bytes: Vec<u8>,
    /// Where each value ends, row by row.
    ends: Vec<u32>,
}

impl Table {
    /// Read a file: `.csv` or `.tsv` with a line of names, or `.jsonl` or `.ndjson` with an object in each line.
    pub fn read(path: &Path) -> Result<Self> {
        let mut reader = Rows::open(path)?;
        let size = reader.size;
        let mut table = Self {
            path: path.to_owned(),
            columns: reader
                .columns()?
                .iter()
                .map(|name| Column::new(name))
                .collect(),
            // Values are never longer than the file that has them.
            bytes: Vec::with_capacity(size),
            ends: Vec::new(),
        };
        while reader.next(&mut table)? {}
        if table.rows() == 0 {
            return Err(refused(path, "it has no row"));
        }
        table.bytes.shrink_to_fit();
        table.ends.shrink_to_fit();
        Ok(table)
    }

    /// The names of the columns, without reading the rows.
    pub fn columns_of(path: &Path) -> Result<Vec<String>> {
        Rows::open(path)?.columns()
    }

    pub fn rows(&self) -> usize {
        self.ends.len() / self.columns.len()
    }

    /// The value of a row in a column.
    pub fn value(&self, row: usize, column: usize) -> &[u8] {
        let at = row * self.columns.len() + column;
        let start = if at == 0 {
            0
        } else {
            self.ends[at - 1] as usize
        };
        &self.bytes[start..self.ends[at] as usize]
    }

    /// How many bytes of memory it takes.
    pub fn memory(&self) -> usize {
        self.bytes.capacity() + self.ends.capacity() * size_of::<u32>()
    }

    fn push(&mut self, column: usize, value: &[u8]) -> Result<()> {
        self.bytes.extend_from_slice(value);
        self.columns[column].see(value);
        let end = u32::try_from(self.bytes.len())
            .map_err(|_| refused(&self.path, "it has more than 4 GiB of values"))?;
        self.ends.push(end);
        Ok(())
    }
}

fn refused(path: &Path, why: &str) -> EngineError {
    EngineError::Data(format!("{}: {why}", path.display()))
}

enum Form {
    Separated(csv::Reader<BufReader<File>>, csv::StringRecord),
    Lines {
        lines: BufReader<File>,
        names: Vec<String>,
        line: String,
        number: u64,
    },
}

/// The rows of a file, as they are read.
struct Rows<'a> {
    path: &'a Path,
    size: usize,
    form: Form,
}

impl<'a> Rows<'a> {
    fn open(path: &'a Path) -> Result<Self> {
        let ending = path.extension().and_then(|ending| ending.to_str());
        let ending = ending.unwrap_or_default().to_ascii_lowercase();
        let separator = match ending.as_str() {
            "csv" => Some(b','),
            "tsv" => Some(b'\t'),
            "jsonl" | "ndjson" => None,
            _ => {
                return Err(refused(
                    path,
                    "values come from a .csv, .tsv, .jsonl or .ndjson file",
                ));
            }
        };
        let file = File::open(path).map_err(|error| match error.kind() {
            ErrorKind::NotFound => refused(path, "there is no such file"),
            _ => refused(path, &error.to_string()),
        })?;
        let size = file.metadata().map_or(0, |known| known.len());
        let reader = BufReader::with_capacity(1 << 16, file);
        let form = match separator {
            Some(separator) => {
                let mut builder = csv::ReaderBuilder::new();
                Form::Separated(
                    builder.delimiter(separator).from_reader(reader),
                    csv::StringRecord::new(),
                )
            }
            None => Form::Lines {
                lines: reader,
                names: Vec::new(),
                line: String::new(),
                number: 0,
            },
        };
        Ok(Self {
            path,
            size: usize::try_from(size).unwrap_or_default(),
            form,
        })
    }

    fn columns(&mut self) -> Result<Vec<String>> {
        let path = self.path;
        let found: Vec<String> = match &mut self.form {
            Form::Separated(reader, _) => {
                let header = reader.headers().map_err(|error| separated(path, &error))?;
                header.iter().map(|name| name.trim().to_owned()).collect()
            }
            Form::Lines {
                lines,
                names,
                line,
                number,
            } => {
                if !next_line(path, lines, line, number)? {
                    return Err(refused(path, "it has no row"));
                }
                names.extend(object(path, line, *number)?.into_keys());
                names.sort_unstable();
                names.clone()
            }
        };
        if found.is_empty() || found.iter().any(String::is_empty) {
            return Err(refused(path, "its first line must name each column"));
        }
        let mut sorted: Vec<&String> = found.iter().collect();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let name = twice[0];
            return Err(refused(path, &format!("it has the column {name:?} twice")));
        }
        Ok(found)
    }

    /// Read a row into the table. Whether there was one; columns were asked for before.
    fn next(&mut self, table: &mut Table) -> Result<bool> {
        let path = self.path;
        match &mut self.form {
            Form::Separated(reader, record) => {
                let found = reader
                    .read_record(record)
                    .map_err(|error| separated(path, &error))?;
                for (column, value) in record.iter().enumerate().take_while(|_| found) {
                    table.push(column, value.as_bytes())?;
                }
                Ok(found)
            }
            Form::Lines {
                lines,
                names,
                line,
                number,
            } => {
                // The first was read for its names.
                if line.is_empty() && !next_line(path, lines, line, number)? {
                    return Ok(false);
                }
                let row = object(path, line, *number)?;
                for (column, name) in names.iter().enumerate() {
                    let Some(value) = row.get(name) else {
                        return Err(refused(
                            path,
                            &format!("line {number} has no {name:?}, as the first line has"),
                        ));
                    };
                    let raw = value.get();
                    if raw.starts_with('"') {
                        let text: String = serde_json::from_str(raw)
                            .map_err(|error| line_error(path, *number, &error))?;
                        table.push(column, text.as_bytes())?;
                    } else {
                        table.push(column, raw.as_bytes())?;
                    }
                }
                line.clear();
                Ok(true)
            }
        }
    }
}

fn separated(path: &Path, error: &csv::Error) -> EngineError {
    let line = error.position().map(csv::Position::line);
    let why = match (error.kind(), line) {
        (
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            },
            Some(line),
        ) => {
            format!(
                "line {line} has {len} values where its first line names {expected_len} columns"
            )
        }
        (csv::ErrorKind::Utf8 { .. }, Some(line)) => format!("line {line} is not UTF-8"),
        _ => error.to_string(),
    };
    refused(path, &why)
}

fn line_error(path: &Path, number: u64, error: &serde_json::Error) -> EngineError {
    refused(
        path,
        &format!("line {number} is not a JSON object: {error}"),
    )
}

fn object<'a>(path: &Path, line: &'a str, number: u64) -> Result<HashMap<String, &'a RawValue>> {
    serde_json::from_str(line).map_err(|error| line_error(path, number, &error))
}

/// The next line that is not empty.
fn next_line(
    path: &Path,
    lines: &mut BufReader<File>,
    line: &mut String,
    number: &mut u64,
) -> Result<bool> {
    loop {
        line.clear();
        *number += 1;
        // A line without an end does not fill the memory.
        let read = lines
            .by_ref()
            .take(LONGEST_LINE)
            .read_line(line)
            .map_err(|error| refused(path, &format!("line {number}: {error}")))?;
        if read as u64 == LONGEST_LINE {
            return Err(refused(
                path,
                &format!("line {number} is longer than 16 MiB"),
            ));
        }
        if read == 0 {
            return Ok(false);
        }
        if !line.trim().is_empty() {
            return Ok(true);
        }
    }
}

const LONGEST_LINE: u64 = 16 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(name: &str, text: &[u8]) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        (folder, path)
    }

    fn read(name: &str, text: &str) -> Result<Table> {
        let (_folder, path) = written(name, text.as_bytes());
        Table::read(&path)
    }

    fn rows(table: &Table) -> Vec<Vec<String>> {
        (0..table.rows())
            .map(|row| {
                (0..table.columns.len())
                    .map(|column| String::from_utf8(table.value(row, column).to_vec()).unwrap())
                    .collect()
            })
            .collect()
    }

    #[test]
    fn a_csv_is_read_with_its_quotes() {
        let table = read("a.csv", "\u{feff}id,name\n1,ann\n2,\"b\"\"o,b\"\n").unwrap();
        assert_eq!(rows(&table), [["1", "ann"], ["2", "b\"o,b"]]);
        let names: Vec<_> = table.columns.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["id", "name"]);
        assert!(table.columns[0].plain_in_url && table.columns[0].plain_in_json);
        assert!(!table.columns[1].plain_in_url && !table.columns[1].plain_in_json);
        let tabs = read("a.tsv", "id\tname\n1\ta,b\n").unwrap();
        assert_eq!(rows(&tabs), [["1", "a,b"]]);
    }

    #[test]
    fn json_lines_give_strings_as_text_and_all_else_as_json() {
        let text = "{\"id\": 1.50, \"name\": \"a\\nb\"}\n\n{\"name\": \"c\", \"id\": {\"x\": [1]}, \"more\": 1}\n";
        let table = read("a.jsonl", text).unwrap();
        assert_eq!(rows(&table), [["1.50", "a\nb"], ["{\"x\": [1]}", "c"]]);
        assert!(!table.columns[1].one_line);
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        for (name, text, wanted) in [
            ("a.txt", "id\n1\n", "values come from a .csv"),
            (
                "a.csv",
                "id,name\n1\n",
                "line 2 has 1 values where its first line names 2",
            ),
            ("a.csv", "id,id\n1,2\n", "the column \"id\" twice"),
            ("a.csv", "id,\n1,2\n", "must name each column"),
            ("a.csv", "id\n", "it has no row"),
            ("a.csv", "", "its first line must name"),
            ("a.jsonl", "", "it has no row"),
            ("a.jsonl", "[1]\n", "line 1 is not a JSON object"),
            (
                "a.jsonl",
                "{\"id\": 1}\n{\"no\": 1}\n",
                "line 2 has no \"id\"",
            ),
        ] {
            let error = read(name, text).unwrap_err().to_string();
            assert!(error.contains(wanted), "{name} {text:?}: {error}");
        }
        let (_folder, path) = written("a.csv", b"id\n\xff\n");
        let error = Table::read(&path).unwrap_err().to_string();
        assert!(error.contains("line 2 is not UTF-8"), "{error}");
    }

    #[test]
    fn a_million_rows_take_at_most_twice_their_file() {
        use std::fmt::Write;
        let mut text = String::from("id,email\n");
        for row in 0..1_000_000 {
            writeln!(text, "{row},user{row}@example.com").unwrap();
        }
        let table = read("a.csv", &text).unwrap();
        assert_eq!(table.rows(), 1_000_000);
        assert_eq!(table.value(999_999, 1), b"user999999@example.com");
        assert!(
            table.memory() <= 2 * text.len(),
            "{} of {}",
            table.memory(),
            text.len()
        );
    }
}
