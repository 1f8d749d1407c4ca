//! What becomes of each frame of a recording, found out once for each.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use super::clean::Clean;
use super::demangle::demangle;
use super::frame::{Frame, Kind, Parts, ROLE_PREFIX};
use super::model::{FrameId, Stacks};
use super::startup::{self, Beginning, EVENT_LOOP};
use super::tidy::cleaned_frame;
use super::waits::{Wait, wait};

/// What becomes of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fate {
    /// The cleaned frame; `None` drops it.
    pub(super) keep: Option<FrameId>,
    /// What replaces it at the beginning of a stack.
    pub(super) beginning: Option<Option<FrameId>>,
    /// A heading or a frame of start-up: what follows still is at the stack's beginning.
    pub(super) is_leading: bool,
    /// Everything that called it is start-up.
    pub(super) is_server: bool,
    /// The heading of a thread.
    pub(super) is_heading: bool,
    /// The heading of the role that the frame tells; of a heading, whether its role was given.
    pub(super) role: Role,
    /// Has no name: one with its neighbours in the same library.
    pub(super) is_unnamed: bool,
    /// The library, as a number; 0 if it is not known.
    pub(super) library: u32,
    pub(super) wait: Wait,
}

/// What is known of a thread's role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Nothing.
    Untold,
    /// A heading whose role the caller gave.
    Given,
    /// The heading of the role that the frame tells.
    Told(FrameId),
}

/// What becomes of a frame of that weight; `best` has the weights of the cleaned frames so far.
pub(super) fn fate(
    frame: &Frame,
    weight: u64,
    options: &Clean,
    out: &mut Stacks,
    best: &mut Vec<u64>,
) -> Fate {
    let parts = Parts::of(&frame.text);
    let mut fate = Fate {
        keep: None,
        beginning: None,
        is_leading: false,
        is_server: false,
        is_heading: false,
        role: Role::Untold,
        is_unnamed: false,
        library: 0,
        wait: Wait::No,
    };
    if frame.kind == Kind::Thread {
        fate.is_leading = true;
        if let Some((role, is_given)) = thread_role(&frame.text, options) {
            fate.keep = heading(out, &role);
            fate.is_heading = true;
            fate.role = if is_given { Role::Given } else { Role::Untold };
        }
        return fate;
    }
    let name = demangle(parts.name);
    fate.wait = if frame.kind == Kind::Python {
        Wait::No
    } else {
        wait(&parts, &name)
    };
    if options.threads {
        let role = startup::role(&parts, &name, frame.kind).and_then(|role| heading(out, role));
        fate.role = role.map_or(Role::Untold, Role::Told);
    }
    if options.fold {
        let beginning = startup::beginning(
            &Parts {
                name: &name,
                ..parts
            },
            frame.kind,
        );
        fate.is_server = matches!(beginning, Some(Beginning::Server | Beginning::Loop));
        fate.is_leading = beginning.is_some();
        fate.beginning = beginning.map(|beginning| match beginning {
            Beginning::StartUp | Beginning::Server => None,
            Beginning::Loop => group(out, EVENT_LOOP),
            Beginning::Group(text) => group(out, text),
        });
        let is_plumbing = match frame.kind {
            Kind::Python => false,
            Kind::Kernel => startup::is_kernel_plumbing(&name),
            _ => startup::is_plumbing(&name) || parts.file().is_some_and(startup::is_plumbing_file),
        };
        if is_plumbing {
            fate.is_leading = frame.kind != Kind::Kernel;
            return fate;
        }
    }
    let cleaned = cleaned_frame(frame, &parts, &name);
    fate.is_unnamed = !cleaned.named;
    fate.keep = out.intern_frame(&cleaned);
    if let Some(id) = fate.keep {
        let at = id as usize;
        if best.len() <= at {
            best.resize(at + 1, 0);
        }
        if weight > best[at] {
            // Of the lines and instances that share a name, the heaviest stands for all.
            best[at] = weight;
            let kept = out.frame_mut(id);
            kept.full = cleaned.full;
            kept.location = cleaned.location;
        }
    }
    fate
}

fn heading(out: &mut Stacks, role: &str) -> Option<FrameId> {
    let text = format!("{ROLE_PREFIX}{role}");
    out.intern(&text, || Frame::plain(&text, Kind::Thread))
}

fn group(out: &mut Stacks, text: &str) -> Option<FrameId> {
    out.intern(text, || Frame::plain(text, Kind::Interpreter))
}

/// A thread's role, and whether it was given rather than taken from the thread's name. `None` drops the
/// heading: processes are always merged.
fn thread_role(text: &str, options: &Clean) -> Option<(String, bool)> {
    if !options.threads || text.starts_with("process ") {
        return None;
    }
    if let Some(role) = text.strip_prefix(ROLE_PREFIX) {
        return Some((role.to_owned(), true));
    }
    // `thread (123): name`, and without a name `thread (123)`.
    let (id, name) = text
        .split_once("): ")
        .unwrap_or((text.trim_end_matches(')'), ""));
    let tid = id.strip_prefix("thread (").and_then(|id| id.parse().ok());
    if let Some(role) = tid.and_then(|tid: u32| options.tids.get(&tid)) {
        return Some((role.clone(), true));
    }
    match options
        .roles
        .iter()
        .find(|(pattern, _)| pattern.is_match(name))
    {
        Some((_, role)) => Some((role.clone(), true)),
        None => Some((pool_name(name), false)),
    }
}

/// The name that the threads of a pool share.
fn pool_name(name: &str) -> String {
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || "-_ #:".contains(c));
    if base.is_empty() {
        "unnamed".to_owned()
    } else {
        base.to_owned()
    }
}

/// Give each thread whose role nobody gave the role that most of its stacks tell.
///
/// Of the frames at a stack's beginning the outermost that tells one counts.
pub(super) fn settle_roles(stacks: &Stacks, out: &mut Stacks, fates: &mut [Fate]) {
    // What every thread of Python's says: any other frame tells more.
    let any_python = heading(out, startup::PYTHON_THREAD);
    let mut votes: FxHashMap<FrameId, BTreeMap<FrameId, u64>> = FxHashMap::default();
    let mut seen: Vec<(Option<FrameId>, Option<FrameId>, bool)> = vec![(None, None, true)];
    for node in &stacks.nodes()[1..] {
        let fate = fates[node.frame as usize];
        let (mut thread, mut role, was_leading) = seen[node.parent as usize];
        let is_leading = was_leading || fate.is_server;
        if fate.is_heading {
            thread = (fate.role != Role::Given).then_some(node.frame);
        } else if let (true, Role::Told(told)) = (is_leading, fate.role) {
            // Inside of a loop or a pool other frames tell nothing more.
            role = role.filter(|&role| Some(role) != any_python).or(Some(told));
        }
        seen.push((thread, role, is_leading && fate.is_leading));
        if let (Some(thread), Some(role), true) = (thread, role, node.value > 0) {
            let vote = votes.entry(thread).or_default().entry(role).or_default();
            *vote = vote.saturating_add(node.value);
        }
    }
    for (thread, told) in votes {
        let most = told
            .into_iter()
            .max_by_key(|&(role, vote)| (vote, std::cmp::Reverse(role)));
        fates[thread as usize].keep = most.map(|(role, _)| role);
    }
}
