//! The reader of collapsed stacks: `outer;inner;innermost COUNT`, a line a stack.

use std::io::BufRead;

use memchr::{memchr, memchr_iter, memrchr};

use super::error::Result;
use super::frame::Frame;
use super::lines::for_each_line;
use super::model::{NodeId, ROOT, Stacks};
use super::skipped::Reason;

/// Read collapsed stacks. Lines that are none are skipped and counted; empty ones and comments are not.
///
/// # Errors
/// The reader's.
pub fn read_collapsed<R: BufRead>(reader: R) -> Result<Stacks> {
    let mut collapsed = Collapsed::default();
    for_each_line(reader, |line| {
        collapsed.line(line);
        Ok(())
    })?;
    Ok(collapsed.stacks)
}

/// Files are mostly sorted: the stack before shares its first frames with this one, and their nodes.
#[derive(Default)]
struct Collapsed {
    stacks: Stacks,
    before: Vec<u8>,
    /// Where each frame of `before` ends, and its node.
    ends: Vec<(usize, NodeId)>,
}

impl Collapsed {
    fn line(&mut self, line: Option<&[u8]>) {
        if let Err(reason) = self.try_line(line) {
            self.stacks.skipped.count(reason);
        }
    }

    fn try_line(&mut self, line: Option<&[u8]>) -> std::result::Result<(), Reason> {
        let line = line.ok_or(Reason::TooLong)?.trim_ascii();
        if line.is_empty() || line.starts_with(b"# ") {
            return Ok(());
        }
        if memchr(0, line).is_some() {
            return Err(Reason::Nul);
        }
        let line = std::str::from_utf8(line).map_err(|_| Reason::NotUtf8)?;
        let space = memrchr(b' ', line.as_bytes()).ok_or(Reason::NoCount)?;
        let value = count(&line[space + 1..])?;
        let stack = line[..space].trim_end().trim_matches(';');
        if stack.is_empty() {
            return Err(Reason::NoStack);
        }
        let node = self.node(stack)?;
        if self.stacks.add(node, value) {
            Ok(())
        } else {
            Err(Reason::Overflow)
        }
    }

    fn node(&mut self, stack: &str) -> std::result::Result<NodeId, Reason> {
        let bytes = stack.as_bytes();
        let shared = self
            .before
            .iter()
            .zip(bytes)
            .take_while(|(a, b)| a == b)
            .count();
        // A frame is shared if it ends alike in both: at a separator, or where the stack ends.
        let ends_at =
            |text: &[u8], end: usize| text.get(end).is_none_or(|_| is_separator(text, end));
        while let Some(&(end, _)) = self.ends.last() {
            if end <= shared && ends_at(bytes, end) && ends_at(&self.before, end) {
                break;
            }
            self.ends.pop();
        }
        let (mut start, mut node) = match self.ends.last() {
            Some(&(end, node)) => (end + 1, node),
            None => (0, ROOT),
        };
        self.before.clear();
        self.before.extend_from_slice(bytes);
        if start >= bytes.len() {
            return Ok(node);
        }
        let from = start;
        for end in memchr_iter(b';', &bytes[from..])
            .map(|at| from + at)
            .chain([bytes.len()])
        {
            if end < bytes.len() && !is_separator(bytes, end) {
                continue;
            }
            let text = stack[start..end].trim();
            if !text.is_empty() {
                let frame = self
                    .stacks
                    .intern(text, || Frame::parse(text))
                    .ok_or(Reason::Limit)?;
                node = self.stacks.child(node, frame).ok_or(Reason::Limit)?;
            }
            self.ends.push((end, node));
            start = end + 1;
        }
        if node == ROOT {
            Err(Reason::NoStack)
        } else {
            Ok(node)
        }
    }
}

/// Whether the `;` at `at` parts two frames: in `[u8; 8]` it does not.
fn is_separator(text: &[u8], at: usize) -> bool {
    text[at] == b';' && text.get(at + 1) != Some(&b' ')
}

/// The count that ends a line.
pub(super) fn count(text: &str) -> std::result::Result<u64, Reason> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Reason::NoCount);
    }
    match text.parse() {
        Ok(0) => Err(Reason::NoCount),
        Ok(count) => Ok(count),
        Err(_) => Err(Reason::Overflow),
    }
}
