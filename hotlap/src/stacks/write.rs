//! Collapsed stacks, written.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::io::{self, Write};

use super::model::{FrameId, NodeId, ROOT, Stacks};

impl Stacks {
    /// The nodes that are wanted, callers before callees, in the order of their frames' texts.
    ///
    /// A node below one that is not wanted is left out too.
    #[must_use]
    pub fn preorder(&self, is_wanted: impl Fn(NodeId) -> bool) -> Vec<NodeId> {
        let order = self.text_order();
        // The children of each node, side by side in one vector: `starts` says where.
        let mut starts = vec![0_u32; self.nodes().len() + 1];
        for node in &self.nodes()[1..] {
            starts[node.parent as usize + 1] += 1;
        }
        for at in 1..starts.len() {
            starts[at] += starts[at - 1];
        }
        let mut free = starts.clone();
        let mut children = vec![ROOT; self.nodes().len() - 1];
        for (id, node) in (0_u32..).zip(self.nodes()).skip(1) {
            let at = &mut free[node.parent as usize];
            children[*at as usize] = id;
            *at += 1;
        }
        drop(free);
        let mut found = Vec::new();
        let mut open = vec![ROOT];
        while let Some(id) = open.pop() {
            if !is_wanted(id) {
                continue;
            }
            found.push(id);
            let below =
                &mut children[starts[id as usize] as usize..starts[id as usize + 1] as usize];
            below.sort_unstable_by_key(|&child| {
                Reverse(order[self.nodes()[child as usize].frame as usize])
            });
            open.extend_from_slice(below);
        }
        found
    }

    /// The rank of each frame's text, by id.
    pub(super) fn text_order(&self) -> Vec<u32> {
        let mut ids: Vec<FrameId> = (0_u32..).take(self.frames().len()).collect();
        ids.sort_unstable_by(|&a, &b| self.frame(a).text.cmp(&self.frame(b).text));
        let mut order = vec![0; ids.len()];
        for (rank, id) in (0_u32..).zip(ids) {
            order[id as usize] = rank;
        }
        order
    }

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
