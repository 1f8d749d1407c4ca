//! Values that differ from request to request: the rows of files, and what is generated.
//!
//! All that one request takes is a function of a seed and of its position among the requests: `draw` gives the same
//! values for the same position, on whatever thread, so that two variants of a service get the same sequence.

mod chance;
mod draw;
mod file;
mod json;
mod source;
mod table;
mod template;
mod url;

pub use draw::{Drawn, OutOfData, Position, Share, Values};
pub use file::{AtEnd, File, Order};
pub use source::GENERATORS;
pub use table::Table;
#[cfg(any(test, fuzzing))]
pub use template::BodyForm;
pub use template::{Compiler, Piece, Place, body_form, fill, joined, names};
