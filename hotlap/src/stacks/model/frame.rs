//! One frame of a stack: what it is called, what kind of code it is and where that is.

use super::kind::Kind;
use super::parts::Parts;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// What is drawn and written: a Python function has its file and line behind it.
    pub text: Box<str>,
    /// The whole name where `text` is a shortened one.
    pub full: Option<Box<str>>,
    /// `file:line` of native code where the debug information has it.
    pub location: Option<Box<str>>,
    /// What kind of code it is.
    pub kind: Kind,
    /// Whether the frame has a name, rather than an address or the library that it is in.
    pub named: bool,
}

impl Frame {
    /// A frame from the text that a recorder wrote, as it is; see [`super::clean`] for readable ones.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let parts = Parts::of(text);
        Self {
            text: text.into(),
            full: None,
            location: parts.line.and(parts.place).map(Into::into),
            kind: parts.kind(),
            named: parts.address().is_none(),
        }
    }

    /// A frame of our own making.
    #[must_use]
    pub fn plain(text: &str, kind: Kind) -> Self {
        Self {
            text: text.into(),
            full: None,
            location: None,
            kind,
            named: true,
        }
    }

    /// The name by which frames of two recordings are matched: without line, and for Python with its file.
    #[must_use]
    pub fn match_name(&self) -> String {
        let parts = Parts::of(&self.text);
        match (self.kind, parts.file()) {
            (Kind::Python, Some(file)) => format!("{} ({file})", parts.name),
            _ => parts.name.to_owned(),
        }
    }
}
