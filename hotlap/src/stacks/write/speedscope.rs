//! Stacks as speedscope's JSON (<https://www.speedscope.app/file-format-schema.json>): one sampled profile.

use std::io::{self, Write};

use serde_json::json;

use crate::stacks::error::Result;
use crate::stacks::model::{FrameId, Stacks};

/// Write the stacks, a sample a distinct stack. `unit` is that of the values (`samples`, `µs`, `bytes`).
///
/// # Errors
/// The writer's.
pub fn write_speedscope<W: Write>(
    stacks: &Stacks,
    title: &str,
    unit: &str,
    mut writer: W,
) -> Result<()> {
    let frames: Vec<_> = stacks
        .frames()
        .iter()
        .map(|frame| {
            match frame
                .location
                .as_deref()
                .and_then(|place| place.rsplit_once(':'))
            {
                Some((file, line)) => match line.parse::<u32>() {
                    Ok(line) => json!({"name": frame.text, "file": file, "line": line}),
                    Err(_) => json!({"name": frame.text}),
                },
                None => json!({"name": frame.text}),
            }
        })
        .collect();
    writeln!(
        writer,
        r#"{{"$schema":"https://www.speedscope.app/file-format-schema.json","#
    )?;
    let exporter = concat!("hotlap@", env!("CARGO_PKG_VERSION"));
    write!(
        writer,
        r#""name":{},"exporter":{},"activeProfileIndex":0,"#,
        json!(title),
        json!(exporter)
    )?;
    writer.write_all(br#""shared":{"frames":"#)?;
    serde_json::to_writer(&mut writer, &frames).map_err(io::Error::from)?;
    write!(
        writer,
        r#"}},"profiles":[{{"type":"sampled","name":{},"unit":"{}","startValue":0,"endValue":{},"samples":["#,
        json!(title),
        unit_name(unit),
        stacks.total(),
    )?;
    let order: Vec<_> = stacks
        .preorder(|_| true)
        .into_iter()
        .filter(|&id| stacks.nodes()[id as usize].value > 0)
        .collect();
    let mut path: Vec<FrameId> = Vec::new();
    for (at, &id) in order.iter().enumerate() {
        if at > 0 {
            writer.write_all(b",")?;
        }
        stacks.path(id, &mut path);
        serde_json::to_writer(&mut writer, &path).map_err(io::Error::from)?;
    }
    writer.write_all(br#"],"weights":["#)?;
    for (at, &id) in order.iter().enumerate() {
        write!(
            writer,
            "{}{}",
            if at > 0 { "," } else { "" },
            stacks.nodes()[id as usize].value
        )?;
    }
    writer.write_all(b"]}]}\n")?;
    Ok(writer.flush()?)
}

/// One of the units that the schema knows.
fn unit_name(unit: &str) -> &'static str {
    match unit {
        "µs" => "microseconds",
        "bytes" => "bytes",
        _ => "none",
    }
}
