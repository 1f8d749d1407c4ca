//! Readable stacks: names demangled and shortened, start-up and plumbing folded away, waiting left out.

use std::collections::BTreeMap;

use regex::Regex;
use rustc_hash::FxHashMap;

use super::fate::{Fate, fate, settle_roles};
use super::frame::{Frame, Kind, Parts};
use super::model::{NodeId, ROOT, Stacks};
use super::skipped::Reason;
use super::startup::START_UP;
use super::waits::Wait;

/// What [`clean`] does.
#[derive(Debug, Clone)]
pub struct Clean {
    /// Leave out stacks whose innermost frame only waits; their value goes to [`Stacks::waiting`].
    pub drop_waiting: bool,
    /// Fold the start-up frames of server and interpreter away, and calls that are only passed on.
    pub fold: bool,
    /// Keep a frame for the thread's role in front of each stack, where the recording has one.
    pub threads: bool,
    /// Roles by thread name: the first pattern that matches gives it. A thread that none matches has the
    /// role that most of its stacks tell, or else its name without numbers, so that the threads of a pool are one.
    pub roles: Vec<(Regex, String)>,
    /// Roles by thread id, of threads whose names do not tell. They come before `roles`.
    pub tids: BTreeMap<u32, String>,
}

impl Default for Clean {
    fn default() -> Self {
        Self {
            drop_waiting: true,
            fold: true,
            threads: true,
            roles: Vec::new(),
            tids: BTreeMap::new(),
        }
    }
}

/// Where a node of the recording went.
#[derive(Debug, Clone, Copy)]
struct Place {
    node: NodeId,
    /// The thread's heading, or the root.
    heading: NodeId,
    is_leading: bool,
    library: u32,
    wait: Wait,
}

/// The stacks made readable.
#[must_use]
pub fn clean(stacks: &Stacks, options: &Clean) -> Stacks {
    let mut out = Stacks::default();
    out.skipped = stacks.skipped;
    out.waiting = stacks.waiting;
    out.lost = stacks.lost;
    let weights = frame_weights(stacks);
    let mut best = Vec::new();
    let mut fates = Vec::with_capacity(stacks.frames().len());
    let mut libraries = FxHashMap::default();
    for (frame, weight) in stacks.frames().iter().zip(weights) {
        let fate = fate(frame, weight, options, &mut out, &mut best);
        let next = u32::try_from(libraries.len()).map_or(0, |count| count + 1);
        let place = Parts::of(&frame.text).place;
        let library = place.map_or(0, |place| *libraries.entry(place).or_insert(next));
        fates.push(Fate { library, ..fate });
    }
    if options.threads {
        settle_roles(stacks, &mut out, &mut fates);
    }
    let mut places = Vec::with_capacity(stacks.nodes().len());
    places.push(Place {
        node: ROOT,
        heading: ROOT,
        library: 0,
        is_leading: true,
        wait: Wait::No,
    });
    for node in &stacks.nodes()[1..] {
        let above: Place = places[node.parent as usize];
        let place = step(&mut out, above, &fates[node.frame as usize]);
        places.push(place);
        if node.value == 0 {
            continue;
        }
        if options.drop_waiting && place.wait == Wait::Yes {
            out.waiting = out.waiting.saturating_add(node.value);
        } else {
            let end = end_of(&mut out, place.node, &fates[node.frame as usize]);
            if !end.is_some_and(|end| out.add(end, node.value)) {
                out.skipped.count(Reason::Limit);
            }
        }
    }
    out
}

/// The value in which each frame takes part (twice where it recurses: good enough to choose by).
fn frame_weights(stacks: &Stacks) -> Vec<u64> {
    let mut weights = vec![0_u64; stacks.frames().len()];
    for (node, total) in stacks.nodes().iter().zip(stacks.totals()).skip(1) {
        let weight = &mut weights[node.frame as usize];
        *weight = weight.saturating_add(total);
    }
    weights
}

fn step(out: &mut Stacks, above: Place, fate: &Fate) -> Place {
    let mut above = above;
    if fate.is_server {
        above = Place {
            node: above.heading,
            is_leading: true,
            ..above
        };
    }
    let at_beginning = above.is_leading.then_some(fate.beginning).flatten();
    let is_leading = above.is_leading && fate.is_leading;
    let wait = match (fate.wait, above.wait) {
        (Wait::AsCaller, Wait::Yes | Wait::InLibc) => Wait::Yes,
        (Wait::AsCaller, _) => Wait::No,
        (own, _) => own,
    };
    let place = Place {
        is_leading,
        library: fate.library,
        wait,
        ..above
    };
    let Some(frame) = at_beginning.unwrap_or(fate.keep) else {
        return place;
    };
    let is_same = above.node != ROOT && out.nodes()[above.node as usize].frame == frame;
    // The unnamed insides of a library belong to the named function that was called in it.
    let is_inside = fate.is_unnamed
        && fate.library != 0
        && fate.library == above.library
        && above.node != above.heading;
    if is_inside || (is_same && (fate.is_unnamed || at_beginning.is_some())) {
        return place;
    }
    // At the limit a stack ends early rather than nowhere.
    let node = out.child(above.node, frame).unwrap_or(above.node);
    Place {
        node,
        heading: if fate.is_heading { node } else { place.heading },
        ..place
    }
}

/// Where a stack ends: one that was folded away entirely is start-up.
fn end_of(out: &mut Stacks, node: NodeId, innermost: &Fate) -> Option<NodeId> {
    let is_heading =
        node == ROOT || out.frame(out.nodes()[node as usize].frame).kind == Kind::Thread;
    if !is_heading {
        return Some(node);
    }
    let frame = match innermost.keep {
        Some(unnamed) if innermost.is_unnamed => unnamed,
        _ => out.intern(START_UP, || Frame::plain(START_UP, Kind::Interpreter))?,
    };
    out.child(node, frame)
}
