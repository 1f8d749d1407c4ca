//! What can go wrong with stacks, in sentences that say what to do.

/// An error of this module. Malformed lines are no error: they are skipped and counted.
#[derive(Debug, thiserror::Error)]
pub enum StacksError {
    /// The recording could not be read, or the result not written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A pattern is no regular expression.
    #[error("this pattern is no regular expression: {0}")]
    Pattern(#[from] regex::Error),
    /// There is nothing to draw or to compare.
    #[error("there are no samples in {0}: record for longer, or with load on the server")]
    Empty(&'static str),
    /// An argument is out of its range.
    #[error("{0}")]
    Argument(String),
}

/// The result of a fallible function of this module.
pub type Result<T> = std::result::Result<T, StacksError>;
