//! Collapsed stacks: read, clean, merge, diff, draw.
//!
//! `model` is what stacks are; `read`, `clean` and `write` know it, and nothing of each other.

mod clean;
mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod model;
mod read;
mod write;

pub use clean::{Clean, clean};
pub use error::{Result, StacksError};
pub use model::{
    Changed, Diff, Frame, Heavy, HeavyFunction, Kind, Node, NodeId, Pair, ROOT, Reason, Scale,
    Skipped, Stacks, diff, share, shown,
};
pub use read::{Around, OffCpu, Weight, is_perf, read_collapsed, read_offcpu, read_perf};
pub use write::{Labels, SCRIPT, svg, write_pprof, write_speedscope};
