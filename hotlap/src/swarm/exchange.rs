//! One request from its send to its answer, with its place in the accounts.

use std::time::Instant;

use super::data::Drawn;
use super::prepared::{PreparedRequest, Sequence};
use super::protocol::{Answer, Connection, Failure, Received};
use super::recorder::{Ended, EndedBy, Times};
use super::session::Session;
use super::shard::Shard;

/// A request under way: whatever becomes of its user, it ends up in the accounts.
pub struct InFlight<'a> {
    shard: &'a Shard,
    name: usize,
    /// Whether it is in the accounts already.
    pub ended: bool,
}

impl<'a> InFlight<'a> {
    pub fn new(shard: &'a Shard, name: usize) -> Self {
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

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exchanged {
    /// An answer came, whatever it was.
    Answered,
    /// The transport did not hold.
    Lost,
    /// It was not sent: no row is left for it.
    OutOfData,
}

/// Send one request and account for it.
pub async fn exchange(
    shard: &Shard,
    sequence: &Sequence,
    request: &PreparedRequest,
    session: &mut Session,
    intended: Instant,
) -> Exchanged {
    let Session {
        connection,
        outgoing,
        ..
    } = session;
    if request.fill_next(outgoing, sequence).is_err() {
        shard.recorders()[request.name].run_out();
        return Exchanged::OutOfData;
    }
    let bytes = request.bytes(outgoing);
    send(shard, request, connection, bytes, &outgoing.drawn, intended).await
}

/// Send the bytes of a request and account for it.
pub async fn send(
    shard: &Shard,
    request: &PreparedRequest,
    connection: &mut Connection,
    bytes: &[u8],
    drawn: &Drawn,
    intended: Instant,
) -> Exchanged {
    let mut in_flight = InFlight::new(shard, request.name);
    let judge = |answer: Received<'_>| request.judge(answer, drawn, || shard.random());
    let outcome = connection
        .ask(&shard.target, bytes, request.to_head, judge)
        .await;
    let times = Times {
        intended,
        sent: outcome.sent,
        done: Instant::now(),
        connect: outcome.connect,
    };
    let exchanged = if outcome.result.is_ok() {
        Exchanged::Answered
    } else {
        Exchanged::Lost
    };
    let ended = ended_by(outcome.result);
    shard.recorders()[request.name].finish(times, ended);
    in_flight.ended = true;
    exchanged
}

/// What goes into the accounts for what came back.
pub fn ended_by(result: Result<Answer, Failure>) -> Ended {
    match result {
        Ok(answer) => Ended {
            kind: EndedBy::Answer,
            error: answer.verdict.objection,
            parsed: answer.verdict.parsed,
            body_bytes: answer.body_bytes,
            redirected: 0,
            renewed: false,
        },
        Err(failure) => {
            let kind = match failure {
                Failure::Timeout => EndedBy::TimeLimit,
                _ => EndedBy::Loss,
            };
            Ended::without_answer(kind, failure.to_string())
        }
    }
}
