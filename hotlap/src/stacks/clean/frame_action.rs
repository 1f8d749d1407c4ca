//! What becomes of each frame of a recording, found out once for each.

use rustc_hash::FxHashSet;

use super::dispatch;
use super::frame_name::cleaned_frame;
use super::idle::{Idle, idle};
use super::options::Clean;
use super::startup::{self, Beginning};
use super::thread_role::{heading, thread_role};
use crate::stacks::model::{EVENT_LOOP, Frame, FrameId, Kind, Parts, Stacks, demangle, is_vdso};

/// What becomes of a frame.
#[derive(Debug, Clone, Copy)]
pub(super) struct FrameAction {
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
    /// Is the kernel's page of fast clocks, which nobody chose to call.
    pub(super) is_vdso: bool,
    /// The library, as a number; 0 if it is not known.
    pub(super) library: u32,
    pub(super) idle: Idle,
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
pub(super) fn frame_action(
    frame: &Frame,
    weight: u64,
    options: &Clean,
    namesakes: &FxHashSet<String>,
    out: &mut Stacks,
    best: &mut Vec<u64>,
) -> FrameAction {
    let parts = Parts::of(&frame.text);
    let mut action = FrameAction {
        keep: None,
        beginning: None,
        is_leading: false,
        is_server: false,
        is_heading: false,
        role: Role::Untold,
        is_unnamed: false,
        is_vdso: false,
        library: 0,
        idle: Idle::No,
    };
    if frame.kind == Kind::Thread {
        action.is_leading = true;
        if let Some((role, is_given)) = thread_role(&frame.text, options) {
            action.keep = heading(out, &role);
            action.is_heading = true;
            action.role = if is_given { Role::Given } else { Role::Untold };
        }
        return action;
    }
    let name = demangle(parts.name);
    action.idle = if frame.kind == Kind::Python {
        Idle::No
    } else {
        idle(&parts, &name)
    };
    if options.threads {
        let role = startup::role(&parts, &name, frame.kind).and_then(|role| heading(out, role));
        action.role = role.map_or(Role::Untold, Role::Told);
    }
    if options.fold {
        let beginning = startup::beginning(
            &Parts {
                name: &name,
                ..parts
            },
            frame.kind,
        );
        action.is_server = matches!(beginning, Some(Beginning::Server | Beginning::Loop));
        action.is_leading = beginning.is_some();
        action.beginning = beginning.map(|beginning| match beginning {
            Beginning::StartUp | Beginning::Server => None,
            Beginning::Loop => group(out, EVENT_LOOP),
            Beginning::Group(text) => group(out, text),
        });
        let is_dispatch = match frame.kind {
            Kind::Python => false,
            Kind::Kernel => dispatch::is_kernel_function(&name),
            _ => dispatch::is_function(&name) || parts.file().is_some_and(dispatch::is_file),
        };
        if is_dispatch {
            action.is_leading = frame.kind != Kind::Kernel;
            return action;
        }
    }
    let cleaned = cleaned_frame(frame, &parts, &name, namesakes);
    action.is_unnamed = !cleaned.named;
    action.is_vdso = action.is_unnamed && parts.address().is_some_and(is_vdso);
    action.keep = out.intern_frame(&cleaned);
    if let Some(id) = action.keep {
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
    action
}

fn group(out: &mut Stacks, text: &str) -> Option<FrameId> {
    out.intern(text, || Frame::plain(text, Kind::Interpreter))
}
