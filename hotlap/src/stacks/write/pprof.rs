//! Stacks as pprof's protocol buffer (`profile.proto` of github.com/google/pprof), compressed.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use prost::Message;
use rustc_hash::FxHashMap;

use crate::stacks::error::Result;
use crate::stacks::model::{Frame, FrameId, Stacks};

#[derive(Clone, PartialEq, Message)]
struct Profile {
    #[prost(message, repeated, tag = "1")]
    sample_type: Vec<ValueType>,
    #[prost(message, repeated, tag = "2")]
    sample: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    location: Vec<Location>,
    #[prost(message, repeated, tag = "5")]
    function: Vec<Function>,
    #[prost(string, repeated, tag = "6")]
    string_table: Vec<String>,
    #[prost(int64, repeated, tag = "13")]
    comment: Vec<i64>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct ValueType {
    #[prost(int64, tag = "1")]
    r#type: i64,
    #[prost(int64, tag = "2")]
    unit: i64,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(uint64, repeated, tag = "1")]
    location_id: Vec<u64>,
    #[prost(int64, repeated, tag = "2")]
    value: Vec<i64>,
}

#[derive(Clone, PartialEq, Message)]
struct Location {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(message, repeated, tag = "4")]
    line: Vec<Line>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Line {
    #[prost(uint64, tag = "1")]
    function_id: u64,
    #[prost(int64, tag = "2")]
    line: i64,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Function {
    #[prost(uint64, tag = "1")]
    id: u64,
    #[prost(int64, tag = "2")]
    name: i64,
    #[prost(int64, tag = "3")]
    system_name: i64,
    #[prost(int64, tag = "4")]
    filename: i64,
}

/// The strings of a profile; the first is empty, as the format demands.
struct Strings {
    table: Vec<String>,
    by_text: FxHashMap<String, i64>,
}

impl Strings {
    fn new() -> Self {
        Self {
            table: vec![String::new()],
            by_text: FxHashMap::from_iter([(String::new(), 0)]),
        }
    }

    fn id(&mut self, text: &str) -> i64 {
        if let Some(&id) = self.by_text.get(text) {
            return id;
        }
        let id = i64::try_from(self.table.len()).unwrap_or(0);
        self.table.push(text.to_owned());
        self.by_text.insert(text.to_owned(), id);
        id
    }
}

/// Write the stacks. `unit` is that of the values (`samples`, `µs`, `bytes`).
///
/// # Errors
/// The writer's.
pub fn write_pprof<W: Write>(stacks: &Stacks, title: &str, unit: &str, writer: W) -> Result<()> {
    let mut strings = Strings::new();
    let (kind, unit) = match unit {
        "samples" => ("samples", "count"),
        "µs" => ("time", "microseconds"),
        "bytes" => ("space", "bytes"),
        other => (other, "count"),
    };
    let sample_type = vec![ValueType {
        r#type: strings.id(kind),
        unit: strings.id(unit),
    }];
    let mut location = Vec::new();
    let mut function = Vec::new();
    for (id, frame) in (1_u64..).zip(stacks.frames()) {
        let (place, line) = place(frame);
        function.push(Function {
            id,
            name: strings.id(&frame.text),
            system_name: strings.id(frame.full.as_deref().unwrap_or(&frame.text)),
            filename: strings.id(place),
        });
        location.push(Location {
            id,
            line: vec![Line {
                function_id: id,
                line,
            }],
        });
    }
    let mut path: Vec<FrameId> = Vec::new();
    let mut sample = Vec::new();
    for id in stacks.preorder(|_| true) {
        let value = stacks.nodes()[id as usize].value;
        if value == 0 {
            continue;
        }
        stacks.path(id, &mut path);
        // The innermost frame comes first; ids begin at 1.
        let location_id = path
            .iter()
            .rev()
            .map(|&frame| u64::from(frame) + 1)
            .collect();
        sample.push(Sample {
            location_id,
            value: vec![i64::try_from(value).unwrap_or(i64::MAX)],
        });
    }
    let comment = vec![strings.id(title)];
    let profile = Profile {
        sample_type,
        sample,
        location,
        function,
        string_table: strings.table,
        comment,
    };
    let mut gzip = GzEncoder::new(writer, Compression::default());
    gzip.write_all(&profile.encode_to_vec())?;
    gzip.finish()?.flush()?;
    Ok(())
}

fn place(frame: &Frame) -> (&str, i64) {
    let place = frame.location.as_deref().unwrap_or("");
    match place.rsplit_once(':') {
        Some((file, line)) => line.parse().map_or((place, 0), |line| (file, line)),
        None => (place, 0),
    }
}
