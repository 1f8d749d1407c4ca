//! One request from its send to its answer, with its place in the accounts.

use std::time::Instant;

use super::prepared::PreparedRequest;
use super::protocol::{Connection, Failure};
use super::recorder::{Ended, Times};
use super::shard::Shard;

/// A request under way: whatever becomes of its user, it ends up in the accounts.
struct InFlight<'a> {
    shard: &'a Shard,
    name: usize,
    ended: bool,
}

impl<'a> InFlight<'a> {
    fn new(shard: &'a Shard, name: usize) -> Self {
        shard.recorders()[name].start();
        Self {
            shard,
            name,
            ended: false,
        }
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.shard.recorders()[self.name].abort();
        }
    }
}

/// Send one request and account for it. Whether the transport held.
pub async fn exchange(
    shard: &Shard,
    request: &PreparedRequest,
    connection: &mut Connection,
    intended: Instant,
) -> bool {
    let mut in_flight = InFlight::new(shard, request.name);
    let accepts = |status, body: &[u8]| request.accepts(status, body);
    let outcome = connection
        .ask(&shard.target, &request.bytes, request.to_head, accepts)
        .await;
    let times = Times {
        intended,
        sent: outcome.sent,
        done: Instant::now(),
        connect: outcome.connect,
    };
    let (error, body_bytes) = match &outcome.result {
        Ok(answer) => (
            (!answer.accepted).then(|| request.objection(answer.status)),
            answer.body_bytes,
        ),
        Err(failure) => (Some(failure.to_string()), 0),
    };
    let ended = match &outcome.result {
        Ok(_) => Ended::Answered,
        Err(Failure::Timeout) => Ended::TimedOut,
        Err(_) => Ended::Lost,
    };
    shard.recorders()[request.name].finish(times, error, ended, body_bytes);
    in_flight.ended = true;
    outcome.result.is_ok()
}
