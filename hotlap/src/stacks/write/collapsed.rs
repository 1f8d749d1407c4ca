//! Collapsed stacks, written.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write};

use crate::stacks::model::Stacks;

impl Stacks {
    /// Write collapsed stacks, sorted.
    ///
    /// # Errors
    /// The writer's.
    pub fn write_collapsed<W: Write>(&self, mut writer: W) -> io::Result<()> {
        let mut path = Vec::new();
        for id in self.preorder(|_| true) {
            let value = self.nodes()[id as usize].value;
            if value == 0 {
                continue;
            }
            self.path(id, &mut path);
            for (depth, &frame) in path.iter().enumerate() {
                if depth > 0 {
                    writer.write_all(b";")?;
                }
                writer.write_all(separable(&self.frame(frame).text).as_bytes())?;
            }
            writeln!(writer, " {}", Counted(value, self.parts))?;
        }
        writer.flush()
    }
}

/// A value in the recording's own unit: with a fraction, without its trailing zeros, where it has one.
struct Counted(u64, u64);

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, part) = (self.0 / self.1, self.0 % self.1);
        if part == 0 {
            return write!(f, "{whole}");
        }
        let digits = format!("{part:06}");
        write!(f, "{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// A frame's text without what parts frames and lines.
fn separable(text: &str) -> Cow<'_, str> {
    let is_plain = !text.contains([';', '\n', '\r', '\0']) && text.trim().len() == text.len();
    if is_plain && !text.is_empty() {
        return Cow::Borrowed(text);
    }
    let text = text.replace(';', ":").replace(['\n', '\r', '\0'], " ");
    match text.trim() {
        "" => Cow::Borrowed("[unknown]"),
        text => Cow::Owned(text.to_owned()),
    }
}
