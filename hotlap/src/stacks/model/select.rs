//! Parts of stacks, and stacks put together.

use std::collections::HashMap;

use regex::Regex;

use super::frame::Frame;
use super::kind::Kind;
use super::label::{ROLE_PREFIX, shown};
use super::skipped::Reason;
use super::tree::{FrameId, NodeId, ROOT, Stacks, share};

impl Stacks {
    /// The share of the value whose stack has a frame that matches; 0 of nothing.
    #[must_use]
    pub fn under(&self, pattern: &Regex) -> f64 {
        let matches = self.matching(pattern);
        let mut inside = vec![false; self.nodes().len()];
        let mut value = 0;
        for (id, node) in self.nodes().iter().enumerate().skip(1) {
            inside[id] = inside[node.parent as usize] || matches[node.frame as usize];
            if inside[id] {
                value += node.value;
            }
        }
        share(value, self.total())
    }

    /// The stacks that have a frame that matches, from the outermost such frame inwards.
    #[must_use]
    pub fn within(&self, pattern: &Regex) -> Self {
        let matches = self.matching(pattern);
        let mut out = self.emptied();
        // Of what was left out nobody knows whether it was within.
        (out.waiting, out.lost) = (0, 0);
        self.copy_into(&mut out, |above, node| match above {
            Some(place) => Some(place),
            None => matches[node].then_some(ROOT),
        });
        out
    }

    /// The value of each outermost frame, the heaviest first.
    #[must_use]
    pub fn roots(&self) -> Vec<(FrameId, u64)> {
        let totals = self.totals();
        let mut roots: Vec<_> = self
            .nodes()
            .iter()
            .zip(&totals)
            .skip(1)
            .filter(|(node, total)| node.parent == ROOT && **total > 0)
            .map(|(node, total)| (node.frame, *total))
            .collect();
        roots.sort_by(|a, b| {
            b.1.cmp(&a.1)
                .then_with(|| self.frame(a.0).text.cmp(&self.frame(b.0).text))
        });
        roots
    }

    /// The same stacks below one more frame, a thread's role.
    #[must_use]
    pub fn below_role(&self, role: &str) -> Self {
        let mut out = self.emptied();
        let text = format!("{ROLE_PREFIX}{role}");
        let heading = out
            .intern(&text, || Frame::plain(&text, Kind::Thread))
            .and_then(|frame| out.child(ROOT, frame));
        self.copy_into(&mut out, |above, _| {
            Some(above.unwrap_or(heading.unwrap_or(ROOT)))
        });
        out
    }

    /// The same stacks with other texts for some frames, each as a recorder would write it.
    #[must_use]
    pub fn renamed(&self, texts: &HashMap<String, String>) -> Self {
        let mut named = self.clone();
        for (id, frame) in (0..).zip(self.frames()) {
            if let Some(text) = texts.get(&*frame.text) {
                *named.frame_mut(id) = Frame::parse(text);
            }
        }
        // What is called alike now is one frame.
        let mut out = self.emptied();
        named.copy_into(&mut out, |above, _| Some(above.unwrap_or(ROOT)));
        out
    }

    /// Add another's stacks, what it skipped and how long it waited.
    pub fn merge(&mut self, other: &Self) {
        let finer;
        let mut other = other;
        if self.parts != other.parts {
            finer = {
                let mut finer = other.clone();
                let fits = finer.keep_fractions() && self.keep_fractions();
                if !fits {
                    self.skipped.count(Reason::Overflow);
                    return;
                }
                finer
            };
            other = &finer;
        }
        self.skipped.extend(&other.skipped);
        self.waiting = self.waiting.saturating_add(other.waiting);
        self.lost = self.lost.saturating_add(other.lost);
        other.copy_into(self, |above, _| Some(above.unwrap_or(ROOT)));
    }

    /// Which frames match, by id. Only what is shown counts: whole names have the types of others in them.
    fn matching(&self, pattern: &Regex) -> Vec<bool> {
        self.frames()
            .iter()
            .map(|frame| pattern.is_match(shown(&frame.text)))
            .collect()
    }

    /// Copy the stacks into `out`: `place` says below which node a frame goes, given where its caller went.
    fn copy_into(&self, out: &mut Self, place: impl Fn(Option<NodeId>, usize) -> Option<NodeId>) {
        let mut frames: Vec<Option<FrameId>> = vec![None; self.frames().len()];
        let mut places: Vec<Option<NodeId>> = Vec::with_capacity(self.nodes().len());
        places.push(None);
        for node in &self.nodes()[1..] {
            let at = node.frame as usize;
            let below = place(places[node.parent as usize], at);
            let copy = below.and_then(|below| {
                if frames[at].is_none() {
                    frames[at] = out.intern_frame(&self.frames()[at]);
                }
                out.child(below, frames[at]?)
            });
            places.push(copy);
            if node.value == 0 || below.is_none() {
                continue;
            }
            if !copy.is_some_and(|copy| out.add(copy, node.value)) {
                out.skipped.count(if copy.is_some() {
                    Reason::Overflow
                } else {
                    Reason::Limit
                });
            }
        }
    }
}
