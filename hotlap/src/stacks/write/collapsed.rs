//! Collapsed stacks, written.

use std::borrow::Cow;
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
            writeln!(writer, " {value}")?;
        }
        writer.flush()
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
