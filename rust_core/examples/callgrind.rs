//! Runs one of the loops, for callgrind to count its instructions.
//!
//! `callgrind clone 2000` folds 2000 times over the three seeded ids, cloning each string. Run with
//! two iteration counts, the difference is what the iterations cost and nothing else.

use std::hint::black_box;

use rust_core::fold::{self as loops, FoldError};

fn main() -> Result<(), String> {
    let usage = "usage: callgrind clone|borrow ITERATIONS";
    let mut arguments = std::env::args().skip(1);
    let fold: fn(&[String], u32) -> Result<u64, FoldError> = match arguments.next().as_deref() {
        Some("clone") => loops::fold_clone,
        Some("borrow") => loops::fold,
        _ => return Err(usage.to_string()),
    };
    let iterations: u32 = arguments.next().and_then(|n| n.parse().ok()).ok_or(usage)?;
    let ids: Vec<String> = ["1", "2", "3"].map(String::from).into();
    let sum = fold(black_box(&ids), iterations).map_err(|error| error.to_string())?;
    let n = u64::from(iterations);
    if sum != n * n.saturating_sub(1) / 2 + 6 * n {
        return Err(format!("{iterations} iterations gave {sum}"));
    }
    Ok(())
}
