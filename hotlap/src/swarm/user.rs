//! A closed or paced virtual user: one connection, one request at a time.

use std::sync::Arc;
use std::time::Instant;

use super::behaviour::LoadModel;
use super::exchange::Exchanged;
use super::session::Session;
use super::shard::Shard;
use super::stop::StopSignal;
use super::work::{BACK_OFF, PreparedBehaviour};

/// Live until told to end, or until no row is left for what it sends.
pub async fn live(shard: Arc<Shard>, behaviour: Arc<PreparedBehaviour>, stop: Arc<StopSignal>) {
    let mut sessions: Vec<Session> = Vec::new();
    sessions.resize_with(behaviour.units(), Session::default);
    let mut last = 0;
    let paced = behaviour.model == LoadModel::Paced;
    let period = (behaviour.wait.0 + behaviour.wait.1) / 2;
    let mut intended = Instant::now();
    if !period.is_zero() {
        // Each starts somewhere in the period, so that users who came together do not act together.
        intended += period.mul_f64(shard.random());
        shard.pause(&stop, intended).await;
    }
    while !stop.is_raised() {
        let chosen = behaviour.choose(|| shard.random());
        if chosen.unit != last {
            // What it does differs, and what it knows for that; its connection is one.
            sessions[chosen.unit].connection = std::mem::take(&mut sessions[last].connection);
            last = chosen.unit;
        }
        let exchanged = behaviour
            .act(&shard, chosen, &mut sessions[chosen.unit], intended, &stop)
            .await;
        if exchanged == Exchanged::OutOfData {
            break;
        }
        let now = Instant::now();
        intended = if paced {
            intended + period
        } else {
            now + shard.wait(behaviour.wait)
        };
        if exchanged == Exchanged::Lost {
            shard.pause(&stop, intended.max(now + BACK_OFF)).await;
            if !paced {
                intended = Instant::now();
            }
        } else if intended > now {
            // Else the next request goes out at once, while the server is still at the others' (the runtime's
            // own budget sees to it that they have their turn).
            shard.pause(&stop, intended).await;
        }
    }
}
