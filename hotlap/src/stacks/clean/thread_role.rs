//! The role of a thread, as its heading in the recording tells it.

use super::options::Clean;
use crate::stacks::model::{Frame, FrameId, Kind, ROLE_PREFIX, Stacks};

/// The frame that heads the stacks of a role.
pub(super) fn heading(out: &mut Stacks, role: &str) -> Option<FrameId> {
    let text = format!("{ROLE_PREFIX}{role}");
    out.intern(&text, || Frame::plain(&text, Kind::Thread))
}

/// A thread's role, and whether it was given rather than taken from the thread's name. `None` drops the
/// heading: processes are always merged.
pub(super) fn thread_role(text: &str, options: &Clean) -> Option<(String, bool)> {
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
