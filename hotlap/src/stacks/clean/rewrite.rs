//! The tree of a recording, rewritten node by node by what is to become of each frame.

use rustc_hash::FxHashMap;

use super::frame_action::{FrameAction, frame_action};
use super::idle::Idle;
use super::namesakes::namesakes;
use super::options::Clean;
use super::role_votes::settle_roles;
use crate::stacks::model::{Frame, Kind, NodeId, Parts, ROOT, Reason, START_UP, Stacks};

/// Where a node of the recording went.
#[derive(Debug, Clone, Copy)]
struct Place {
    node: NodeId,
    /// The thread's heading, or the root.
    heading: NodeId,
    is_leading: bool,
    library: u32,
    idle: Idle,
}

/// The stacks made readable.
#[must_use]
pub fn clean(stacks: &Stacks, options: &Clean) -> Stacks {
    let mut out = stacks.emptied();
    let weights = frame_weights(stacks);
    let namesakes = namesakes(stacks);
    let mut best = Vec::new();
    let mut actions = Vec::with_capacity(stacks.frames().len());
    let mut libraries = FxHashMap::default();
    for (frame, weight) in stacks.frames().iter().zip(weights) {
        let action = frame_action(frame, weight, options, &namesakes, &mut out, &mut best);
        let next = u32::try_from(libraries.len()).map_or(0, |count| count + 1);
        let place = Parts::of(&frame.text).place;
        let library = place.map_or(0, |place| *libraries.entry(place).or_insert(next));
        actions.push(FrameAction { library, ..action });
    }
    if options.threads {
        settle_roles(stacks, &mut out, &mut actions);
    }
    let mut places = Vec::with_capacity(stacks.nodes().len());
    places.push(Place {
        node: ROOT,
        heading: ROOT,
        library: 0,
        is_leading: true,
        idle: Idle::No,
    });
    for node in &stacks.nodes()[1..] {
        let above: Place = places[node.parent as usize];
        let place = step(&mut out, above, &actions[node.frame as usize]);
        places.push(place);
        if node.value == 0 {
            continue;
        }
        if options.drop_waiting && place.idle == Idle::Yes {
            out.waiting = out.waiting.saturating_add(node.value);
        } else {
            let end = end_of(&mut out, place.node, &actions[node.frame as usize]);
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

fn step(out: &mut Stacks, above: Place, action: &FrameAction) -> Place {
    let mut above = above;
    if action.is_server {
        above = Place {
            node: above.heading,
            is_leading: true,
            ..above
        };
    }
    let at_beginning = above.is_leading.then_some(action.beginning).flatten();
    let is_leading = above.is_leading && action.is_leading;
    let idle = match (action.idle, above.idle) {
        (Idle::AsCaller, Idle::Yes | Idle::InLibc) => Idle::Yes,
        (Idle::AsCaller, _) => Idle::No,
        (own, _) => own,
    };
    let place = Place {
        is_leading,
        library: action.library,
        idle,
        ..above
    };
    let Some(frame) = at_beginning.unwrap_or(action.keep) else {
        return place;
    };
    let is_same = above.node != ROOT && out.nodes()[above.node as usize].frame == frame;
    // The unnamed insides of a library belong to the named function that was called in it, and the clock's to
    // who asked for the time.
    let is_inside = action.is_unnamed
        && (action.is_vdso || (action.library != 0 && action.library == above.library))
        && above.node != above.heading;
    if is_inside || (is_same && (action.is_unnamed || at_beginning.is_some())) {
        return place;
    }
    // At the limit a stack ends early rather than nowhere.
    let node = out.child(above.node, frame).unwrap_or(above.node);
    Place {
        node,
        heading: if action.is_heading {
            node
        } else {
            place.heading
        },
        ..place
    }
}

/// Where a stack ends: one that was folded away entirely is start-up.
fn end_of(out: &mut Stacks, node: NodeId, innermost: &FrameAction) -> Option<NodeId> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stacks::read::read_collapsed;

    fn cleaned(recorded: &str) -> String {
        let mut out = Vec::new();
        let raw = read_collapsed(recorded.as_bytes()).unwrap();
        let options = Clean::default();
        clean(&raw, &options).write_collapsed(&mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn addresses_without_a_library_are_one_frame() {
        let recorded = "f (a.py:1);0x7f01 (?);g (a.py:2) 1\nf (a.py:1);0x7f02 (?);g (a.py:2) 2\n0x7f03 (?) 1\n";
        assert_eq!(
            cleaned(recorded),
            "[unknown] 1\nf (a.py:1);[unknown];g (a.py:2) 3\n"
        );
    }

    #[test]
    fn the_clock_belongs_to_who_asked_for_the_time() {
        let recorded =
            "f (a.py:1);clock_gettime (libc.so.6);0x7f01 ([vdso]) 2\n0x7f02 ([vdso]) 1\n";
        assert_eq!(cleaned(recorded), "[vdso] 1\nf (a.py:1);clock_gettime 2\n");
    }
}
