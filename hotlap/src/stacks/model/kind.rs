//! What kind of code a frame runs.

use std::fmt;

/// What kind of code a frame runs: it gives the frame its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// A function of Python source.
    Python,
    /// A function of a Rust crate.
    Rust,
    /// Native code that is neither Rust nor the interpreter's, and libraries without symbols.
    C,
    /// The kernel.
    Kernel,
    /// The interpreter itself and the machinery of its event loop and thread pools.
    Interpreter,
    /// A heading: a thread's role or a process.
    Thread,
}

impl Kind {
    /// All kinds, in the order of the legend.
    pub const ALL: [Self; 6] = [
        Self::Python,
        Self::Rust,
        Self::C,
        Self::Kernel,
        Self::Interpreter,
        Self::Thread,
    ];

    /// The name that callers see.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Rust => "rust",
            Self::C => "c",
            Self::Kernel => "kernel",
            Self::Interpreter => "interpreter",
            Self::Thread => "thread",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
