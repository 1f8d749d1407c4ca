//! The roles of threads whose headings tell none: most of a thread's stacks decide.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::frame_action::{FrameAction, Role};
use super::startup::PYTHON_THREAD;
use super::thread_role::heading;
use crate::stacks::model::{FrameId, Stacks};

/// Give each thread whose role nobody gave the role that most of its stacks tell.
///
/// Of the frames at a stack's beginning the outermost that tells one counts.
pub(super) fn settle_roles(stacks: &Stacks, out: &mut Stacks, actions: &mut [FrameAction]) {
    // What every thread of Python's says: any other frame tells more.
    let any_python = heading(out, PYTHON_THREAD);
    let mut votes: FxHashMap<FrameId, BTreeMap<FrameId, u64>> = FxHashMap::default();
    let mut seen: Vec<(Option<FrameId>, Option<FrameId>, bool)> = vec![(None, None, true)];
    for node in &stacks.nodes()[1..] {
        let action = actions[node.frame as usize];
        let (mut thread, mut role, was_leading) = seen[node.parent as usize];
        let is_leading = was_leading || action.is_server;
        if action.is_heading {
            thread = (action.role != Role::Given).then_some(node.frame);
        } else if let (true, Role::Told(told)) = (is_leading, action.role) {
            // Inside of a loop or a pool other frames tell nothing more.
            role = role.filter(|&role| Some(role) != any_python).or(Some(told));
        }
        seen.push((thread, role, is_leading && action.is_leading));
        if let (Some(thread), Some(role), true) = (thread, role, node.value > 0) {
            let vote = votes.entry(thread).or_default().entry(role).or_default();
            *vote = vote.saturating_add(node.value);
        }
    }
    for (thread, told) in votes {
        let most = told
            .into_iter()
            .max_by_key(|&(role, vote)| (vote, std::cmp::Reverse(role)));
        actions[thread as usize].keep = most.map(|(role, _)| role);
    }
}
