//! The heaviest functions.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::frame::Frame;
use super::kind::Kind;
use super::label::shown;
use super::tree::{FrameId, Node, NodeId, ROOT, Stacks};

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

/// A function with its values, and those of its lines where several were seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeavyFunction<'a> {
    /// Its name; without a line where there are several.
    pub name: String,
    /// Its heaviest line: most of the value innermost, or else anywhere.
    pub frame: &'a Frame,
    /// The value with it innermost.
    pub own: u64,
    /// The value with it anywhere in the stack, once per stack.
    pub total: u64,
    /// Each of its lines, the heaviest first; none where there is but one.
    pub lines: Vec<Heavy<'a>>,
}

impl Stacks {
    /// Each frame's own value and its total, by id. A recursive frame counts once per stack.
    #[must_use]
    pub fn frame_values(&self) -> Vec<(u64, u64)> {
        let ids: Vec<u32> = (0..).take(self.frames().len()).collect();
        self.values_by(&ids, ids.len())
    }

    /// The own value and the total of each group of frames, given the group of each frame.
    fn values_by(&self, groups: &[u32], count: usize) -> Vec<(u64, u64)> {
        let mut values = vec![(0_u64, 0_u64); count];
        for (id, total) in self.totals().into_iter().enumerate().skip(1) {
            let node = self.nodes()[id];
            let group = groups[node.frame as usize];
            values[group as usize].0 += node.value;
            if !self.is_below(node.parent, |frame| groups[frame as usize] == group) {
                values[group as usize].1 += total;
            }
        }
        values
    }

    /// Whether the node's frame is in the stack above it too.
    pub(super) fn recurs(&self, node: &Node) -> bool {
        self.is_below(node.parent, |frame| frame == node.frame)
    }

    /// Whether a frame as wanted is at `above` or further out.
    fn is_below(&self, mut above: NodeId, is_wanted: impl Fn(FrameId) -> bool) -> bool {
        while above != ROOT {
            let caller = self.nodes()[above as usize];
            if is_wanted(caller.frame) {
                return true;
            }
            above = caller.parent;
        }
        false
    }

    /// The `count` heaviest frames: by their own value, then by their total, then by name.
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
        heavy.sort_by(heavier);
        heavy.truncate(count);
        heavy
    }

    /// The `count` heaviest functions, each with its lines: a function of Python is a frame for each line of it.
    #[must_use]
    pub fn functions(&self, count: usize) -> Vec<HeavyFunction<'_>> {
        let mut by_name: BTreeMap<(String, Kind), u32> = BTreeMap::new();
        let groups: Vec<u32> = self
            .frames()
            .iter()
            .map(|frame| {
                let next = by_name.len() as u32;
                *by_name
                    .entry((frame.match_name(), frame.kind))
                    .or_insert(next)
            })
            .collect();
        let values = self.values_by(&groups, by_name.len());
        let mut lines: Vec<Vec<Heavy<'_>>> = vec![Vec::new(); by_name.len()];
        for (at, (own, total)) in self.frame_values().into_iter().enumerate() {
            if total > 0 {
                let frame = &self.frames()[at];
                lines[groups[at] as usize].push(Heavy { frame, own, total });
            }
        }
        let mut found: Vec<_> = by_name
            .into_iter()
            .filter_map(|((name, _), group)| {
                let (own, total) = values[group as usize];
                let mut lines = std::mem::take(&mut lines[group as usize]);
                lines.sort_by(heavier);
                let frame = lines.first()?.frame;
                let is_one = lines.len() == 1;
                Some(HeavyFunction {
                    name: if is_one {
                        shown(&frame.text).to_owned()
                    } else {
                        name
                    },
                    frame,
                    own,
                    total,
                    lines: if is_one { Vec::new() } else { lines },
                })
            })
            .collect();
        found.sort_by(|a, b| {
            (b.own, b.total)
                .cmp(&(a.own, a.total))
                .then_with(|| a.name.cmp(&b.name))
        });
        found.truncate(count);
        found
    }
}

fn heavier(a: &Heavy<'_>, b: &Heavy<'_>) -> Ordering {
    (b.own, b.total)
        .cmp(&(a.own, a.total))
        .then_with(|| a.frame.text.cmp(&b.frame.text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lines_of_a_function_are_one_row_with_its_lines_under_it() {
        let mut stacks = Stacks::default();
        for (frames, value) in [
            (&["main (a.py:1)", "fold (a.py:58)"][..], 6),
            (&["main (a.py:1)", "fold (a.py:27)"], 3),
            // A function that calls itself from another line is in this stack once.
            (&["main (a.py:1)", "fold (a.py:58)", "fold (a.py:7)"], 1),
            (&["main (a.py:2)", "fold (b.py:1)"], 2),
        ] {
            assert!(stacks.push(frames.iter().copied(), value));
        }
        let rows: Vec<_> = stacks
            .functions(10)
            .into_iter()
            .map(|one| (one.name, one.own, one.total, one.lines.len()))
            .collect();
        let expected = [
            ("fold (a.py)", 10, 10, 3),
            ("fold (b.py:1)", 2, 2, 0),
            ("main (a.py)", 0, 12, 2),
        ];
        assert_eq!(
            rows,
            expected.map(|(name, own, total, lines)| (name.to_owned(), own, total, lines))
        );
        let fold = &stacks.functions(1)[0];
        let own: Vec<_> = fold.lines.iter().map(|one| one.own).collect();
        assert_eq!((own, &*fold.frame.text), (vec![6, 3, 1], "fold (a.py:58)"));
    }
}
