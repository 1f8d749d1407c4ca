//! The memory for what is sent, used again for each request.

use crate::swarm::data::Drawn;

/// The values of the request that is under way, and its bytes.
#[derive(Default)]
pub struct Outgoing {
    pub drawn: Drawn,
    pub body: Vec<u8>,
    pub bytes: Vec<u8>,
}
