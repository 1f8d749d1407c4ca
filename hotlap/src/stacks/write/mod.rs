//! Writers: collapsed stacks, flame graphs, and the forms that other tools read.

mod collapsed;
mod diff;
mod flamegraph;
mod palette;
mod pprof;
mod speedscope;
mod svg;

pub use flamegraph::svg;
pub use pprof::write_pprof;
pub use speedscope::write_speedscope;
pub use svg::{Labels, SCRIPT};
