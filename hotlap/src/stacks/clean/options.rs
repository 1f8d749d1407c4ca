//! What cleaning is asked to do.

use std::collections::BTreeMap;

use regex::Regex;

/// What [`clean`](super::clean) does.
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
