//! Text with placeholders, compiled once: `{name}` stands for a value, `{{` for a brace.
//!
//! A brace that does not begin a name is itself, so that JSON and GraphQL can be written as they are.

use std::sync::Arc;

use super::draw::{Drawn, Values};
use super::file::File;
use super::json;
use super::source::{GENERATORS, Generator, Source};
use super::url;
use crate::swarm::error::{EngineError, Result};

/// Where a text stands: its values are encoded for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A path or a query.
    Url,
    Header,
    Body(BodyForm),
    /// Where nothing is encoded.
    Text,
}

/// What a body is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyForm {
    Json,
    /// Fields as in a query.
    Form,
    Text,
}

/// What a body is written in, by its content type; without one, by how it begins.
pub fn body_form(headers: &[(String, String)], body: &[u8]) -> BodyForm {
    let mut types = headers
        .iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    match types.next() {
        Some((_, kind)) if kind.to_ascii_lowercase().contains("json") => BodyForm::Json,
        Some((_, kind)) if kind.to_ascii_lowercase().contains("x-www-form-urlencoded") => {
            BodyForm::Form
        }
        None if matches!(body.trim_ascii_start().first(), Some(b'{' | b'[' | b'"')) => {
            BodyForm::Json
        }
        _ => BodyForm::Text,
    }
}

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    AsIs,
    Percent,
    JsonString,
}

/// A part of a compiled text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    Literal(Vec<u8>),
    Value(Value),
}

/// A value in a compiled text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    source: usize,
    encoding: Encoding,
}

/// A part of a text as it is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Token<'a> {
    Literal(&'a [u8]),
    Name(&'a str),
}

/// Compiles the texts of one request; equal placeholders stand for one value.
#[derive(Debug)]
pub struct Compiler<'a> {
    /// `None`: braces stand for themselves.
    files: Option<&'a [Arc<File>]>,
    pub sources: Vec<Source>,
    names: Vec<String>,
    /// What earlier answers give, by name.
    captures: Vec<String>,
}

impl<'a> Compiler<'a> {
    pub fn new(files: Option<&'a [Arc<File>]>) -> Self {
        Self {
            files,
            sources: Vec::new(),
            names: Vec::new(),
            captures: Vec::new(),
        }
    }

    /// Know the name of what an answer gives, for texts that are compiled from now on: its number.
    pub fn capture(&mut self, name: &str) -> usize {
        let known = self.captures.iter().position(|known| known == name);
        known.unwrap_or_else(|| {
            self.captures.push(name.to_owned());
            self.captures.len() - 1
        })
    }

    /// How many names of captures there are.
    pub fn captures(&self) -> usize {
        self.captures.len()
    }

    /// Compile a text.
    pub fn compile(&mut self, text: &[u8], place: Place) -> Result<Vec<Piece>> {
        let mut pieces = Vec::new();
        let Some(files) = self.files else {
            append(&mut pieces, text);
            return Ok(pieces);
        };
        let mut quotes = Quotes::default();
        for token in tokens(text) {
            match token {
                Token::Literal(literal) => {
                    quotes.read(literal);
                    append(&mut pieces, literal);
                }
                Token::Name(name) => {
                    let source = self.source(files, name)?;
                    let encoding = match place {
                        Place::Url | Place::Body(BodyForm::Form) => Encoding::Percent,
                        Place::Body(BodyForm::Json) if quotes.open => Encoding::JsonString,
                        _ => Encoding::AsIs,
                    };
                    let raw_json = place == Place::Body(BodyForm::Json) && !quotes.open;
                    self.check(files, name, source, place, raw_json)?;
                    let encoding = if self.is_plain(files, source, encoding) {
                        Encoding::AsIs
                    } else {
                        encoding
                    };
                    pieces.push(Piece::Value(Value { source, encoding }));
                }
            }
        }
        Ok(pieces)
    }

    fn source(&mut self, files: &[Arc<File>], name: &str) -> Result<usize> {
        if let Some(known) = self.names.iter().position(|known| known == name) {
            return Ok(known);
        }
        let capture = self.captures.iter().position(|known| known == name);
        let column = files.iter().enumerate().find_map(|(file, one)| {
            let mut columns = one.table.columns.iter();
            let column = columns.position(|column| column.name == name)?;
            Some(Source::Column { file, column })
        });
        let source = match (capture, column) {
            (Some(capture), _) => Source::Captured(capture),
            (None, Some(column)) => column,
            (None, None) => match generator(name)? {
                Some(generator) => Source::Generated(generator),
                None => return Err(unknown(name, files)),
            },
        };
        self.names.push(name.to_owned());
        self.sources.push(source);
        Ok(self.sources.len() - 1)
    }

    /// Refuse values that cannot stand in a place, whatever is done to them.
    fn check(
        &self,
        files: &[Arc<File>],
        name: &str,
        source: usize,
        place: Place,
        raw_json: bool,
    ) -> Result<()> {
        let refuse = |why: String| Err(EngineError::Data(why));
        match &self.sources[source] {
            Source::Column { file, column } => {
                let table = &files[*file].table;
                if place == Place::Header && !table.columns[*column].one_line {
                    return refuse(format!(
                        "{{{name}}} cannot stand in a header: a value in {} has a line break",
                        table.path.display()
                    ));
                }
                let wrong = |row: &usize| raw_json && !json::is_value(table.value(*row, *column));
                if let Some(row) = (0..table.rows()).find(wrong) {
                    return refuse(format!(
                        "{{{name}}} without quotes must be a JSON value: {:?} in row {} of {} is not; write \"{{{name}}}\" for a string",
                        String::from_utf8_lossy(table.value(row, *column)),
                        row + 1,
                        table.path.display()
                    ));
                }
                Ok(())
            }
            Source::Generated(generator) if raw_json && !generator.is_number() => refuse(format!(
                "{{{name}}} without quotes is not a JSON value: write \"{{{name}}}\""
            )),
            Source::Generated(_) | Source::Captured(_) => Ok(()),
        }
    }

    fn is_plain(&self, files: &[Arc<File>], source: usize, encoding: Encoding) -> bool {
        match (&self.sources[source], encoding) {
            (_, Encoding::AsIs) => true,
            (Source::Captured(_), _) => false,
            (Source::Column { file, column }, Encoding::Percent) => {
                files[*file].table.columns[*column].plain_in_url
            }
            (Source::Column { file, column }, Encoding::JsonString) => {
                files[*file].table.columns[*column].plain_in_json
            }
            (Source::Generated(generator), Encoding::Percent) => generator.is_plain_in_url(),
            (Source::Generated(_), Encoding::JsonString) => true,
        }
    }
}

fn generator(name: &str) -> Result<Option<Generator>> {
    // What follows # tells two values of one kind apart.
    let kind = name.split('#').next().unwrap_or(name);
    Generator::parse(kind).map_err(EngineError::Data)
}

fn unknown(name: &str, files: &[Arc<File>]) -> EngineError {
    let columns: Vec<String> = files
        .iter()
        .map(|file| {
            let names: Vec<_> = file
                .table
                .columns
                .iter()
                .map(|one| one.name.as_str())
                .collect();
            format!("{} has {}", file.table.path.display(), names.join(", "))
        })
        .collect();
    let columns = if columns.is_empty() {
        "there are no data".to_owned()
    } else {
        columns.join("; ")
    };
    EngineError::Data(format!(
        "{{{name}}} stands for no value: {columns}; what is generated is {GENERATORS}; for the characters themselves write {{{{{name}}}"
    ))
}

/// The names in a text that are not generators': columns, if they are anything.
///
/// # Errors
/// A generator with wrong arguments.
pub fn names(text: &[u8]) -> Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    for token in tokens(text) {
        if let Token::Name(name) = token
            && generator(name)?.is_none()
            && !found.iter().any(|known| known == name)
        {
            found.push(name.to_owned());
        }
    }
    Ok(found)
}

/// Append a compiled text with its values.
pub fn fill(pieces: &[Piece], drawn: &Drawn, values: &Values, into: &mut Vec<u8>) {
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => into.extend_from_slice(literal),
            Piece::Value(Value { source, encoding }) => {
                let value = drawn.value(values, *source);
                match encoding {
                    Encoding::AsIs => into.extend_from_slice(value),
                    Encoding::Percent => url::percent(value, into),
                    Encoding::JsonString => json::escape(value, into),
                }
            }
        }
    }
}

/// Pieces with literals that follow each other made one.
pub fn joined(pieces: Vec<Piece>) -> Vec<Piece> {
    let mut found = Vec::with_capacity(pieces.len());
    for piece in pieces {
        match piece {
            Piece::Literal(literal) => append(&mut found, &literal),
            value @ Piece::Value(_) => found.push(value),
        }
    }
    found
}

fn append(pieces: &mut Vec<Piece>, literal: &[u8]) {
    if let Some(Piece::Literal(last)) = pieces.last_mut() {
        last.extend_from_slice(literal);
    } else if !literal.is_empty() {
        pieces.push(Piece::Literal(literal.to_vec()));
    }
}

/// Whether what is read so far of a JSON text ends within a string.
#[derive(Default)]
struct Quotes {
    open: bool,
    escaped: bool,
}

impl Quotes {
    fn read(&mut self, literal: &[u8]) {
        for &byte in literal {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = self.open,
                b'"' => self.open = !self.open,
                _ => {}
            }
        }
    }
}

fn tokens(text: &[u8]) -> impl Iterator<Item = Token<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        if rest.starts_with(b"{{") {
            rest = &rest[2..];
            return Some(Token::Literal(b"{"));
        }
        if let Some(name) = name(rest) {
            rest = &rest[name.len() + 2..];
            return Some(Token::Name(name));
        }
        let next = memchr::memchr(b'{', &rest[1..]).map_or(rest.len(), |at| at + 1);
        let (literal, after) = rest.split_at(next);
        rest = after;
        Some(Token::Literal(literal))
    })
}

/// The name in the braces with which a text begins, if it begins with such: a word, and what follows : or #.
fn name(text: &[u8]) -> Option<&str> {
    let inner = text.strip_prefix(b"{")?;
    let inner = &inner[..memchr::memchr(b'}', inner)?];
    let word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let first = inner.first()?;
    let after = inner.iter().find(|byte| !word(byte));
    let is_name = (first.is_ascii_alphabetic() || *first == b'_')
        && matches!(after, None | Some(b':' | b'#'))
        && inner
            .iter()
            .all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'"' | b'\''));
    is_name.then(|| std::str::from_utf8(inner).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::swarm::data::{Order, Position, Table};

    fn file(text: &str) -> Arc<File> {
        let folder = tempfile::tempdir().unwrap();
        let path: PathBuf = folder.path().join("rows.csv");
        std::fs::write(&path, text).unwrap();
        let table = Arc::new(Table::read(&path).unwrap());
        Arc::new(File::new(table, Order::InTurn).unwrap())
    }

    fn filled(text: &str, place: Place, files: &[Arc<File>], position: u64) -> Result<String> {
        let mut compiler = Compiler::new(Some(files));
        let pieces = compiler.compile(text.as_bytes(), place)?;
        let values = Values::new(files.to_vec(), compiler.sources, 0);
        let mut drawn = Drawn::default();
        let position = Position {
            request: position,
            user: 0,
        };
        drawn.draw(&values, 1, position).unwrap();
        let mut into = Vec::new();
        fill(&pieces, &drawn, &values, &mut into);
        Ok(String::from_utf8(into).unwrap())
    }

    #[test]
    fn values_are_encoded_for_where_they_stand() {
        let files = [file("id,name\n1,\"a b/é\"\"\n\"\n2,plain\n")];
        let json = Place::Body(BodyForm::Json);
        for (text, place, wanted) in [
            (
                "/x/{id}?q={name}",
                Place::Url,
                "/x/1?q=a%20b%2F%C3%A9%22%0A",
            ),
            (
                "n={name}",
                Place::Body(BodyForm::Form),
                "n=a%20b%2F%C3%A9%22%0A",
            ),
            (
                "{\"n\": \"{name}\", \"i\": {id}}",
                json,
                "{\"n\": \"a b/é\\\"\\n\", \"i\": 1}",
            ),
            (
                "{\"\\\"\": \"{name}\"}",
                json,
                "{\"\\\"\": \"a b/é\\\"\\n\"}",
            ),
            ("<{name}>", Place::Body(BodyForm::Text), "<a b/é\"\n>"),
        ] {
            assert_eq!(filled(text, place, &files, 0).unwrap(), wanted, "{text}");
        }
        assert_eq!(filled("/{name}", Place::Url, &files, 1).unwrap(), "/plain");
        assert_eq!(filled("/{name}", Place::Url, &files, 3).unwrap(), "/plain");
    }

    #[test]
    fn braces_that_begin_no_name_are_themselves() {
        let files = [file("id\n7\n")];
        for (text, wanted) in [
            ("{\"a\": {\"b\": 1}}", "{\"a\": {\"b\": 1}}"),
            (
                "query { user(id: {id}) { name } }",
                "query { user(id: 7) { name } }",
            ),
            ("{{id}", "{id}"),
            ("{}", "{}"),
            ("{id", "{id"),
            ("{1d}", "{1d}"),
            ("{{{id}", "{7"),
            ("{", "{"),
        ] {
            assert_eq!(
                filled(text, Place::Text, &files, 0).unwrap(),
                wanted,
                "{text}"
            );
        }
        let literal = Compiler::new(None).compile(b"{id}", Place::Url).unwrap();
        assert_eq!(literal, [Piece::Literal(b"{id}".to_vec())]);
    }

    #[test]
    fn equal_placeholders_are_one_value_and_labels_tell_apart() {
        let made = filled("{uuid} {uuid} {uuid#other}", Place::Text, &[], 5).unwrap();
        let parts: Vec<&str> = made.split(' ').collect();
        assert_eq!(parts[0], parts[1]);
        assert_ne!(parts[0], parts[2]);
    }

    #[test]
    fn what_cannot_stand_there_is_refused_with_its_row() {
        let files = [file("id,name\n1,x\n2,\"y\nz\"\n")];
        let json = Place::Body(BodyForm::Json);
        for (text, place, wanted) in [
            ("{no}", Place::Url, "{no} stands for no value"),
            ("{no}", Place::Url, "rows.csv has id, name"),
            ("{no}", Place::Url, "write {{no}"),
            ("{int:9..1}", Place::Url, "9 is above 1"),
            ("{name}", Place::Header, "a line break"),
            ("[{name}]", json, "\"x\" in row 1 of"),
            ("[{uuid}]", json, "write \"{uuid}\""),
        ] {
            let error = filled(text, place, &files, 0).unwrap_err().to_string();
            assert!(error.contains(wanted), "{text}: {error}");
        }
        assert_eq!(names(b"{id} {uuid} {x} {{y} {id}").unwrap(), ["id", "x"]);
        assert!(names(b"{hex:0}").is_err());
    }
}
