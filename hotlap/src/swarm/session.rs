//! What one user keeps from request to request: its connection, its cookies, and the memory for what it sends.

use super::jar::Jar;
use super::protocol::{Connection, Outgoing, Received};

/// What one user keeps from request to request.
#[derive(Default)]
pub struct Session {
    pub connection: Connection,
    pub outgoing: Outgoing,
    pub jar: Jar,
    /// The memory for what is said of them.
    pub cookies: Vec<u8>,
    /// Whether it went through the steps of a flow that are once.
    pub begun: bool,
    /// Whether it did so in this round.
    pub fresh: bool,
    /// Its number among the users of a flow, for the values that it keeps; whether it has one.
    pub user: u64,
    pub is_known: bool,
    /// A position that its values are taken at, instead of the next ones.
    pub fixed: Option<u64>,
    /// The answers, where somebody wants to see them.
    pub seen: Option<Vec<Seen>>,
}

/// An answer, of a step where it is a flow's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// What its request is counted under.
    pub name: String,
    pub status: u16,
    /// With all its headers.
    pub head: Vec<u8>,
    /// Of a stream, its beginning.
    pub body: Vec<u8>,
    pub objection: Option<String>,
}

impl Seen {
    /// An answer to a request of that name, and what is wrong with it.
    pub fn of(name: &str, answer: Received<'_>, objection: Option<String>) -> Self {
        Self {
            name: name.to_owned(),
            status: answer.status,
            head: answer.head.to_vec(),
            body: answer.body.to_vec(),
            objection,
        }
    }
}

impl Session {
    /// Begin anew: as who has not been here before, but with what it keeps.
    pub fn begin_anew(&mut self) {
        self.jar.clear();
        self.begun = false;
        self.fresh = true;
    }

    /// Become another user, on the same connection.
    pub fn leave(&mut self) {
        self.begin_anew();
        self.is_known = false;
    }
}
