//! Walks through the tree in the order of the frames' texts, the same each time.

use std::cmp::Reverse;

use super::tree::{FrameId, NodeId, ROOT, Stacks};

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
    fn text_order(&self) -> Vec<u32> {
        let mut ids: Vec<FrameId> = (0_u32..).take(self.frames().len()).collect();
        ids.sort_unstable_by(|&a, &b| self.frame(a).text.cmp(&self.frame(b).text));
        let mut order = vec![0; ids.len()];
        for (rank, id) in (0_u32..).zip(ids) {
            order[id as usize] = rank;
        }
        order
    }
}
