//! Collapsed stacks: read, clean, merge, diff, draw.

mod clean;
mod demangle;
mod draw;
mod error;
mod frame;
mod lines;
mod model;
mod palette;
mod read;
mod select;
mod shorten;
mod skipped;
mod startup;
mod top;
mod waits;
mod write;

pub use clean::{Clean, clean};
pub use draw::{Labels, SCRIPT, svg};
pub use error::{Result, StacksError};
pub use frame::{Frame, Kind};
pub use model::{Node, NodeId, ROOT, Stacks, share};
pub use read::read_collapsed;
pub use skipped::{Reason, Skipped};
pub use top::Heavy;
