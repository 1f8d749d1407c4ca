//! What one user keeps from request to request: its connection, and the memory for what it sends.

use super::protocol::{Connection, Outgoing};

/// What one user keeps from request to request.
#[derive(Default)]
pub struct Session {
    pub connection: Connection,
    pub outgoing: Outgoing,
}
