//! Collapsed stacks: read, clean, merge, diff, draw.

mod clean;
mod demangle;
mod diff;
mod draw;
mod error;
mod export_pprof;
mod export_speedscope;
mod fate;
mod frame;
mod lines;
mod model;
mod offcpu;
mod palette;
mod perf;
mod read;
mod select;
mod shorten;
mod skipped;
mod startup;
mod tidy;
mod top;
mod waits;
mod write;

pub use clean::{Clean, clean};
pub use diff::{Changed, Diff, Pair, Scale, diff};
pub use draw::{Labels, SCRIPT, svg};
pub use error::{Result, StacksError};
pub use export_pprof::write_pprof;
pub use export_speedscope::write_speedscope;
pub use frame::{Frame, Kind, shown};
pub use model::{Node, NodeId, ROOT, Stacks, share};
pub use offcpu::{Around, OffCpu, read_offcpu};
pub use perf::read_perf;
pub use read::read_collapsed;
pub use skipped::{Reason, Skipped};
pub use top::Heavy;
