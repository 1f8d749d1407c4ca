//! The heaviest functions.

use super::frame::Frame;
use super::tree::{Node, ROOT, Stacks};

/// A function with its values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Heavy<'a> {
    /// Which function.
    pub frame: &'a Frame,
    /// The value with it innermost.
    pub own: u64,
    /// The value with it anywhere in the stack, once per stack.
    pub total: u64,
}

impl Stacks {
    /// Each frame's own value and its total, by id. A recursive frame counts once per stack.
    #[must_use]
    pub fn frame_values(&self) -> Vec<(u64, u64)> {
        let mut values = vec![(0_u64, 0_u64); self.frames().len()];
        for (id, total) in self.totals().into_iter().enumerate().skip(1) {
            let node = self.nodes()[id];
            values[node.frame as usize].0 += node.value;
            if !self.recurs(&node) {
                values[node.frame as usize].1 += total;
            }
        }
        values
    }

    /// Whether the node's frame is in the stack above it too.
    pub(super) fn recurs(&self, node: &Node) -> bool {
        let mut above = node.parent;
        while above != ROOT {
            let caller = self.nodes()[above as usize];
            if caller.frame == node.frame {
                return true;
            }
            above = caller.parent;
        }
        false
    }

    /// The `count` heaviest functions: by their own value, then by their total, then by name.
    #[must_use]
    pub fn top(&self, count: usize) -> Vec<Heavy<'_>> {
        let values = self.frame_values();
        let mut heavy: Vec<_> = self
            .frames()
            .iter()
            .zip(values)
            .filter(|(_, (_, total))| *total > 0)
            .map(|(frame, (own, total))| Heavy { frame, own, total })
            .collect();
        heavy.sort_by(|a, b| {
            (b.own, b.total)
                .cmp(&(a.own, a.total))
                .then_with(|| a.frame.text.cmp(&b.frame.text))
        });
        heavy.truncate(count);
        heavy
    }
}
