//! Recorded requests, sent at the moments at which they were recorded, whatever the answers do.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Instant;

use super::arrivals::UnderWay;
use super::error::{EngineError, Result};
use super::exchange::send;
use super::prepared::PreparedRequest;
use super::protocol::Outgoing;
use super::request::Request;
use super::schedule::Schedule;
use super::session::Session;
use super::shard::Shard;
use super::stop::StopSignal;
use super::target::Target;

/// A recording as it is declared.
#[derive(Clone, Debug)]
pub struct Replay {
    /// The kinds of requests in it. The path of each is in the schedule; that which it has here is only its beginning.
    pub kinds: Vec<Request>,
    /// The file with what is due when.
    pub schedule: PathBuf,
    pub max_in_flight: usize,
}

/// A kind of requests that differ in their paths.
struct Kind {
    request: PreparedRequest,
    /// What goes before the path, and after it.
    head: Vec<u8>,
    tail: Vec<u8>,
}

/// A recording, ready to be played.
pub struct PreparedReplay {
    kinds: Vec<Kind>,
    schedule: PathBuf,
    places: usize,
}

impl PreparedReplay {
    /// Prepare one, and look at its schedule; `name` says where a request's figures are kept.
    pub fn new(
        declared: Replay,
        target: &Target,
        mut name: impl FnMut(&str, &str) -> usize,
    ) -> Result<Self> {
        if declared.max_in_flight == 0 {
            let why = "at least one request must be allowed in flight";
            return Err(EngineError::Argument(why.into()));
        }
        let kinds = declared
            .kinds
            .iter()
            .map(|request| {
                let named = name(&request.method, &request.name);
                Kind::new(request, target, named)
            })
            .collect::<Result<Vec<_>>>()?;
        Schedule::open(&declared.schedule)
            .and_then(|schedule| schedule.check(kinds.len()))
            .map_err(|error| {
                let path = declared.schedule.display();
                EngineError::Argument(format!("{path}: {error}"))
            })?;
        Ok(Self {
            kinds,
            schedule: declared.schedule,
            places: declared.max_in_flight,
        })
    }
}

impl Kind {
    fn new(declared: &Request, target: &Target, name: usize) -> Result<Self> {
        // Braces in what was recorded are braces.
        let whole = Request {
            path: "/".into(),
            files: None,
            ..declared.clone()
        };
        let request = PreparedRequest::new(&whole, &target.host, &target.prefix, name)?;
        let nothing = Outgoing::default();
        let bytes = request.bytes(&nothing);
        let (head, tail) = bytes.split_at(declared.method.len() + 1 + target.prefix.len());
        Ok(Self {
            head: head.to_vec(),
            tail: tail[1..].to_vec(),
            request,
        })
    }

    fn fill(&self, path: &[u8], bytes: &mut Vec<u8>) {
        bytes.clear();
        bytes.extend_from_slice(&self.head);
        bytes.extend_from_slice(path);
        bytes.extend_from_slice(&self.tail);
    }
}

/// Send what is due until nothing is left, or until told to end; what is under way is then finished.
pub async fn play(shard: Arc<Shard>, replay: Arc<PreparedReplay>, stop: Arc<StopSignal>) {
    let Ok(mut schedule) = Schedule::open(&replay.schedule) else {
        // It was there a moment ago: that nothing was sent is in the accounts.
        return;
    };
    let mut under_way = UnderWay::new(&shard, &stop, replay.places, &Arc::new(AtomicUsize::new(0)));
    let began = Instant::now();
    while let Ok(Some(due)) = schedule.next() {
        let intended = began + due.after;
        if intended <= Instant::now() {
            // Of several that are due at once, each is sent before the next is looked at.
            tokio::task::yield_now().await;
        }
        shard.pause(&stop, intended).await;
        if stop.is_raised() {
            break;
        }
        let name = replay.kinds[due.kind].request.name;
        let (shard, replay) = (Arc::clone(&shard), Arc::clone(&replay));
        under_way.begin(name, move |mut session| async move {
            let kind = &replay.kinds[due.kind];
            let Session {
                connection,
                outgoing,
                seen,
                ..
            } = &mut session;
            kind.fill(&due.path, &mut outgoing.bytes);
            let Outgoing { bytes, drawn, .. } = outgoing;
            let exchanged = send(
                &shard,
                &kind.request,
                connection,
                bytes,
                drawn,
                seen,
                intended,
            )
            .await;
            (session, exchanged)
        });
    }
    under_way.finish().await;
}
