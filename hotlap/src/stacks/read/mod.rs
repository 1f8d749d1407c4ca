//! Readers: from what a recorder wrote to stacks.

mod collapsed;
mod line_reader;
mod offcpu;
mod perf;

pub use collapsed::read_collapsed;
pub use offcpu::{Around, OffCpu, read_offcpu};
pub use perf::{Weight, is_perf, read_perf};
