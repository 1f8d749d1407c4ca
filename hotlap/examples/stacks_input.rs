//! Makes the input of the benchmarks: collapsed stacks of a made-up service, the same each time.
//!
//! `cargo run --release --example stacks_input -- 1000000 > big.collapsed`

use std::io::{self, BufWriter, Write};

#[path = "../benches/made_up.rs"]
mod made_up;

fn main() -> io::Result<()> {
    let count = std::env::args()
        .nth(1)
        .and_then(|text| text.parse().ok())
        .unwrap_or(1_000_000);
    let mut out = BufWriter::with_capacity(1 << 20, io::stdout().lock());
    made_up::write(count, &mut out)?;
    out.flush()
}
