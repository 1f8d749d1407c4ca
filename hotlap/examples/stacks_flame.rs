//! Collapsed stacks on standard input, cleaned and drawn to standard output: what `hotlap flame` does with a
//! recording, without Python around it, so that it can be measured.

use std::io::{self, Write};

use hotlap_engine::stacks::{Clean, Labels, clean, read_collapsed, svg};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let input = io::BufReader::with_capacity(1 << 20, io::stdin().lock());
    let stacks = clean(&read_collapsed(input)?, &Clean::default());
    let labels = Labels {
        title: "stacks".into(),
        unit: "samples".into(),
        standalone: true,
        ..Labels::default()
    };
    io::stdout()
        .lock()
        .write_all(svg(&stacks, &labels)?.as_bytes())?;
    Ok(())
}
