//! A closed or paced virtual user: one connection, one request at a time.

use std::sync::Arc;
use std::time::Instant;

use super::behaviour::{Arriving, BACK_OFF, Behaviour, Ready};
use super::connection::{Connection, Failure};
use super::engine::{Ending, Shard};
use super::stats::{Ended, Times};

/// A request under way: whatever becomes of its user, it ends up in the accounts.
pub struct Started<'a> {
    shard: &'a Shard,
    ready: &'a Ready,
    ended: bool,
}

impl<'a> Started<'a> {
    fn new(shard: &'a Shard, ready: &'a Ready) -> Self {
        shard.figures()[ready.name].start();
        Self {
            shard,
            ready,
            ended: false,
        }
    }
}

impl Drop for Started<'_> {
    fn drop(&mut self) {
        if !self.ended {
            self.shard.figures()[self.ready.name].abort();
        }
    }
}

/// Send one request and account for it. Whether the transport held.
pub async fn ask(
    shard: &Shard,
    ready: &Ready,
    connection: &mut Connection,
    intended: Instant,
) -> bool {
    let mut started = Started::new(shard, ready);
    let accepts = |body: &[u8]| ready.expected().accepts(body);
    let outcome = connection
        .ask(&shard.target, &ready.bytes, ready.to_head, accepts)
        .await;
    let times = Times {
        intended,
        sent: outcome.sent,
        done: Instant::now(),
        connect: outcome.connect,
    };
    let (error, body_bytes) = match &outcome.result {
        Ok(answered) => (
            ready.objection(answered.status, answered.accepted),
            answered.body_bytes,
        ),
        Err(failure) => (Some(failure.to_string()), 0),
    };
    let ended = match &outcome.result {
        Ok(_) => Ended::Answered,
        Err(Failure::Timeout) => Ended::TimedOut,
        Err(_) => Ended::Lost,
    };
    shard.figures()[ready.name].finish(times, error, ended, body_bytes);
    started.ended = true;
    outcome.result.is_ok()
}

/// Live until told to end.
pub async fn live(shard: Arc<Shard>, behaviour: Arc<Behaviour>, ending: Arc<Ending>) {
    let mut connection = Connection::default();
    let paced = behaviour.arriving == Arriving::Paced;
    let period = (behaviour.wait.0 + behaviour.wait.1) / 2;
    let mut intended = Instant::now();
    if !period.is_zero() {
        // Each starts somewhere in the period, so that users who came together do not act together.
        intended += period.mul_f64(shard.random());
        pause(&shard, &ending, intended).await;
    }
    while !ending.asked() {
        let ready = behaviour.request(behaviour.choose(|| shard.random()));
        let held = ask(&shard, ready, &mut connection, intended).await;
        let now = Instant::now();
        intended = if paced {
            intended + period
        } else {
            now + behaviour.draw_wait(|| shard.random())
        };
        if !held {
            pause(&shard, &ending, intended.max(now + BACK_OFF)).await;
            if !paced {
                intended = Instant::now();
            }
        } else if intended > now {
            // Else the next request goes out at once, while the server is still at the others' (the runtime's
            // own budget sees to it that they have their turn).
            pause(&shard, &ending, intended).await;
        }
    }
}

/// Wait until a moment, or until told to end.
pub async fn pause(shard: &Shard, ending: &Ending, until: Instant) {
    tokio::select! {
        () = shard.timer.until(until) => {}
        () = ending.told() => {}
    }
}
