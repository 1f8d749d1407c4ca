//! One request by itself, for who sends it without an engine: verification, and other generators.

use super::data::OutOfData;
use super::error::Result;
use super::prepared::PreparedRequest;
use super::protocol::Outgoing;
use super::request::Request;
use super::target::Address;

/// A request for the server of an address, with the seed of its values.
pub struct Alone {
    pub request: PreparedRequest,
    seed: u64,
}

impl Alone {
    pub fn new(request: &Request, url: &str, seed: u64) -> Result<Self> {
        let Address {
            authority, prefix, ..
        } = Address::parse(url)?;
        let request = PreparedRequest::new(request, authority, prefix, 0)?;
        Ok(Self { request, seed })
    }

    /// What is sent at a position of the sequence.
    pub fn at(&self, position: u64) -> std::result::Result<Outgoing, OutOfData> {
        let mut outgoing = Outgoing::default();
        self.request.fill(&mut outgoing, self.seed, position)?;
        Ok(outgoing)
    }
}
