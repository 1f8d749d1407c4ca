//! Stacks as a tree of frames: every stack is a path from the root, its samples are at its end.
//!
//! Frames are interned, and stacks that begin alike share their nodes: a recording of a million
//! distinct stacks takes a fraction of its file, and whatever looks at a frame does it once.

use std::hash::Hasher;

use hashbrown::HashTable;
use rustc_hash::FxHasher;

use super::frame::Frame;
use super::skipped::Skipped;

/// A frame of a [`Stacks`].
pub type FrameId = u32;
/// A node of a [`Stacks`]; parents come before their children.
pub type NodeId = u32;

/// Counts with fractions are kept in millionths.
pub const PARTS: u64 = 1_000_000;

/// The node that every stack begins at. It has no frame.
pub const ROOT: NodeId = 0;

/// A place in the tree: the stack that ends here has `value` samples.
#[derive(Debug, Clone, Copy)]
pub struct Node {
    /// Who called.
    pub parent: NodeId,
    /// Which frame this is.
    pub frame: FrameId,
    /// The samples (or microseconds, or bytes) of exactly this stack.
    pub value: u64,
}

/// Stacks with their values.
#[derive(Debug, Clone)]
pub struct Stacks {
    frames: Vec<Frame>,
    by_text: HashTable<FrameId>,
    nodes: Vec<Node>,
    by_parent: HashTable<NodeId>,
    total: u64,
    /// How many units of a value make one of the recording's: 1, or [`PARTS`] where its counts have fractions.
    pub parts: u64,
    /// What could not be read.
    pub skipped: Skipped,
    /// The value of stacks that only waited and that cleaning left out.
    pub waiting: u64,
    /// How many events the recorder says it lost.
    pub lost: u64,
}

impl Default for Stacks {
    fn default() -> Self {
        Self {
            frames: Vec::new(),
            by_text: HashTable::new(),
            nodes: vec![Node {
                parent: ROOT,
                frame: FrameId::MAX,
                value: 0,
            }],
            by_parent: HashTable::new(),
            total: 0,
            parts: 1,
            skipped: Skipped::default(),
            waiting: 0,
            lost: 0,
        }
    }
}

fn hash_text(text: &str) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    hasher.finish()
}

fn hash_child(parent: NodeId, frame: FrameId) -> u64 {
    let mut hasher = FxHasher::default();
    hasher.write_u64(u64::from(parent) << 32 | u64::from(frame));
    hasher.finish()
}

impl Stacks {
    /// No stack yet of the same recording: with what is known of it as a whole.
    #[must_use]
    pub fn emptied(&self) -> Self {
        Self {
            parts: self.parts,
            skipped: self.skipped,
            waiting: self.waiting,
            lost: self.lost,
            ..Self::default()
        }
    }

    /// Keep values in [`PARTS`] from now on; false, and nothing changed, if they do not fit 64 bits.
    #[must_use]
    pub fn keep_fractions(&mut self) -> bool {
        if self.parts == PARTS {
            return true;
        }
        let (Some(total), Some(waiting)) = (
            self.total.checked_mul(PARTS),
            self.waiting.checked_mul(PARTS),
        ) else {
            return false;
        };
        (self.total, self.waiting, self.parts) = (total, waiting, PARTS);
        for node in &mut self.nodes {
            node.value *= PARTS;
        }
        true
    }

    /// The sum of all values.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// How many distinct stacks have a value.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.iter().filter(|node| node.value > 0).count()
    }

    /// Whether there is no sample at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// All frames, by their ids.
    #[must_use]
    pub fn frames(&self) -> &[Frame] {
        &self.frames
    }

    /// The frame of that id.
    #[must_use]
    pub fn frame(&self, id: FrameId) -> &Frame {
        &self.frames[id as usize]
    }

    /// All nodes, the root first, parents before their children.
    #[must_use]
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The frame with this text, made by `make` if it is new.
    ///
    /// `None` if there are more frames than can be numbered.
    pub fn intern(&mut self, text: &str, make: impl FnOnce() -> Frame) -> Option<FrameId> {
        let hash = hash_text(text);
        let found = self
            .by_text
            .find(hash, |&id| &*self.frames[id as usize].text == text);
        if let Some(&id) = found {
            return Some(id);
        }
        let id = FrameId::try_from(self.frames.len())
            .ok()
            .filter(|&id| id != FrameId::MAX)?;
        let frame = make();
        debug_assert_eq!(&*frame.text, text);
        self.frames.push(frame);
        let frames = &self.frames;
        self.by_text
            .insert_unique(hash, id, |&other| hash_text(&frames[other as usize].text));
        Some(id)
    }

    /// The same, for a frame that is at hand.
    pub fn intern_frame(&mut self, frame: &Frame) -> Option<FrameId> {
        self.intern(&frame.text, || frame.clone())
    }

    /// Change what is known of a frame. It is found by its old text until the stacks are copied.
    pub(in crate::stacks) fn frame_mut(&mut self, id: FrameId) -> &mut Frame {
        &mut self.frames[id as usize]
    }

    /// The node of `frame` called from `parent`, made if it is new.
    ///
    /// `None` if there are more nodes than can be numbered.
    pub fn child(&mut self, parent: NodeId, frame: FrameId) -> Option<NodeId> {
        let hash = hash_child(parent, frame);
        let nodes = &self.nodes;
        let found = self.by_parent.find(hash, |&id| {
            let node = nodes[id as usize];
            node.parent == parent && node.frame == frame
        });
        if let Some(&id) = found {
            return Some(id);
        }
        let id = NodeId::try_from(self.nodes.len()).ok()?;
        self.nodes.push(Node {
            parent,
            frame,
            value: 0,
        });
        let nodes = &self.nodes;
        self.by_parent.insert_unique(hash, id, |&other| {
            let node = nodes[other as usize];
            hash_child(node.parent, node.frame)
        });
        Some(id)
    }

    /// Add a value to the stack that ends at `node`; false, and nothing changed, if the total overflows.
    #[must_use]
    pub fn add(&mut self, node: NodeId, value: u64) -> bool {
        let Some(total) = self.total.checked_add(value) else {
            return false;
        };
        self.total = total;
        // No node can overflow: none has more than the total.
        self.nodes[node as usize].value += value;
        true
    }

    /// Add a stack given by its frames' texts, the outermost first.
    ///
    /// False, and nothing counted, if it is empty or if a limit is reached.
    #[must_use]
    pub fn push<'a>(&mut self, frames: impl IntoIterator<Item = &'a str>, value: u64) -> bool {
        self.walk(frames)
            .is_some_and(|node| node != ROOT && self.add(node, value))
    }

    /// The node of a stack of these texts, the outermost first, made where it is new; `None` at the limit.
    pub(in crate::stacks) fn walk<'a>(
        &mut self,
        frames: impl IntoIterator<Item = &'a str>,
    ) -> Option<NodeId> {
        frames.into_iter().try_fold(ROOT, |node, text| {
            let frame = self.intern(text, || Frame::parse(text))?;
            self.child(node, frame)
        })
    }

    /// The values of all nodes with those below them, by node.
    #[must_use]
    pub fn totals(&self) -> Vec<u64> {
        let mut totals: Vec<u64> = self.nodes.iter().map(|node| node.value).collect();
        for id in (1..self.nodes.len()).rev() {
            totals[self.nodes[id].parent as usize] += totals[id];
        }
        totals
    }

    /// The frames of the stack that ends at `node`, the outermost first, into `path`.
    pub fn path(&self, mut node: NodeId, path: &mut Vec<FrameId>) {
        path.clear();
        while node != ROOT {
            path.push(self.nodes[node as usize].frame);
            node = self.nodes[node as usize].parent;
        }
        path.reverse();
    }

    /// The same tree with other values, by node, each divided by `divisor` and rounded.
    pub(in crate::stacks) fn with_values(&self, values: &[u64], divisor: u64) -> Self {
        let mut other = self.clone();
        other.total = 0;
        for (at, node) in other.nodes.iter_mut().enumerate() {
            let value = values.get(at).copied().unwrap_or(0);
            node.value = value.saturating_add(divisor / 2) / divisor;
            // At the limit of 64 bits the rest does not count.
            node.value = node.value.min(u64::MAX - other.total);
            other.total += node.value;
        }
        other
    }

    /// The share of the samples whose innermost frame has no name; 0 if there are none.
    #[must_use]
    pub fn unnamed_share(&self) -> f64 {
        let unnamed = self.sum(|node| !self.frame(node.frame).named);
        share(unnamed, self.total)
    }

    fn sum(&self, wanted: impl Fn(&Node) -> bool) -> u64 {
        self.nodes[1..]
            .iter()
            .filter(|node| node.value > 0 && wanted(node))
            .map(|node| node.value)
            .sum()
    }
}

/// `part` of `whole`; 0 of nothing.
#[must_use]
#[allow(clippy::cast_precision_loss)]
pub fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 {
        0.0
    } else {
        part as f64 / whole as f64
    }
}
