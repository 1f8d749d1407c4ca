//! One request from its send to its answer, with its place in the accounts.

use std::time::Instant;

use super::data::Drawn;
use super::prepared::{PreparedRequest, Sequence};
use super::protocol::{Answer, Connection, Failure, Received, Tap};
use super::recorder::{Ended, EndedBy, Gap, Times};
use super::session::{Seen, Session};
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
        fixed,
        seen,
        ..
    } = session;
    let filled = match fixed {
        Some(position) => request.fill(outgoing, sequence.seed, *position),
        None => request.fill_next(outgoing, sequence),
    };
    if filled.is_err() {
        shard.recorders()[request.name].run_out();
        return Exchanged::OutOfData;
    }
    let bytes = request.bytes(outgoing);
    let drawn = &outgoing.drawn;
    send(shard, request, connection, bytes, drawn, seen, intended).await
}

/// Send the bytes of a request and account for it; its answer is `seen` where somebody wants that.
pub async fn send(
    shard: &Shard,
    request: &PreparedRequest,
    connection: &mut Connection,
    bytes: &[u8],
    drawn: &Drawn,
    seen: &mut Option<Vec<Seen>>,
    intended: Instant,
) -> Exchanged {
    let mut in_flight = InFlight::new(shard, request.name);
    let judge = |answer: Received<'_>| {
        if let Some(seen) = seen {
            let objection = request.explain(answer, drawn);
            seen.push(Seen::of(&request.title, answer, objection));
        }
        request.judge(answer, drawn, || shard.random())
    };
    let mut tap = Counting::new(shard, request.name, intended);
    let outcome = connection
        .ask(&shard.target, request.asked(bytes), &mut tap, judge)
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
    let ended = Ended {
        reconnected: outcome.reconnected.into(),
        ..ended_by(outcome.result, request.stream.is_some())
    };
    shard.recorders()[request.name].finish(times, ended);
    in_flight.ended = true;
    exchanged
}

/// Counts what comes of a stream, as it comes.
pub struct Counting<'a> {
    shard: &'a Shard,
    name: usize,
    intended: Instant,
    last: Option<Instant>,
}

impl<'a> Counting<'a> {
    pub fn new(shard: &'a Shard, name: usize, intended: Instant) -> Self {
        Self {
            shard,
            name,
            intended,
            last: None,
        }
    }
}

impl Tap for Counting<'_> {
    fn begin(&mut self, now: Instant) {
        self.shard.recorders()[self.name].begin_stream(now - self.intended);
    }

    fn came(&mut self, now: Instant, events: u64, bytes: usize) {
        let gap = self.last.map_or(Gap::First(now - self.intended), |last| {
            Gap::Since(now - last)
        });
        self.shard.recorders()[self.name].came(events, bytes, gap);
        if events > 0 {
            self.last = Some(now);
        }
    }
}

/// What goes into the accounts for what came back; the bytes of a stream are there already.
pub fn ended_by(result: Result<Answer, Failure>, is_stream: bool) -> Ended {
    match result {
        Ok(answer) => Ended {
            kind: EndedBy::Answer,
            error: answer.verdict.objection,
            parsed: answer.verdict.parsed,
            body_bytes: if is_stream { 0 } else { answer.body_bytes },
            redirected: 0,
            reconnected: 0,
            cut: answer.cut,
            renewed: false,
        },
        Err(failure) => {
            let kind = match failure {
                Failure::Timeout | Failure::Unended => EndedBy::TimeLimit,
                _ => EndedBy::Loss,
            };
            Ended::without_answer(kind, failure.to_string())
        }
    }
}
