//! Recorded requests against servers that really listen.

use std::path::PathBuf;
use std::time::Duration;

use hotlap_engine::swarm::{Engine, NullServer, Replay, Request};

use super::servers::{engine, total, until};

/// A file with requests that are due so many milliseconds after the first, of the kinds in turns.
struct Written(PathBuf);

impl Written {
    fn new(name: &str, due_ms: impl IntoIterator<Item = u64>, kinds: u32) -> Self {
        let mut bytes = Vec::new();
        for (number, due) in (0_u32..).zip(due_ms) {
            let path = format!("/{number}?q={{x}}");
            bytes.extend((1000 * due).to_le_bytes());
            bytes.extend((number % kinds).to_le_bytes());
            bytes.extend(u32::try_from(path.len()).unwrap().to_le_bytes());
            bytes.extend(path.as_bytes());
        }
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let file = folder.join(format!("{name}-{}", std::process::id()));
        std::fs::write(&file, bytes).unwrap();
        Self(file)
    }

    fn of(&self, kinds: &[&str], max_in_flight: usize) -> Replay {
        let kind = |name: &&str| Request {
            name: (*name).into(),
            ..Request::get("/")
        };
        Replay {
            kinds: kinds.iter().map(kind).collect(),
            schedule: self.0.clone(),
            max_in_flight,
        }
    }
}

impl Drop for Written {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

fn played(engine: &Engine, replay: Replay) -> u64 {
    engine.replay(replay).unwrap()
}

#[test]
fn all_are_sent_and_counted_by_their_kinds() {
    let server = NullServer::start(3).unwrap();
    let engine = engine(&server.url());
    // Half of them at once: those wait for no answer either.
    let file = Written::new(
        "all",
        (0_u64..400).map(|number| number.saturating_sub(200)),
        2,
    );
    let user = played(&engine, file.of(&["one", "two"], 1000));
    until("all were sent", || engine.ended(user));
    let taken = engine.take();
    let all = total(&taken);
    assert_eq!((all.started, all.answered, all.not_offered), (400, 400, 0));
    assert_eq!(server.received(), 400);
    assert_eq!(all.lag.count(), 400);
    for (_, counters) in &taken {
        assert_eq!(counters.started, 200);
    }
}

#[test]
fn what_the_bound_turns_away_and_what_is_given_up_is_counted() {
    // Nobody answers: connections wait in the backlog.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let engine = engine(&format!("http://{}", silent.local_addr().unwrap()));
    let file = Written::new("silent", 0..60, 1);
    let user = played(&engine, file.of(&["one"], 10));
    let mut not_offered = 0;
    let mut started = 0;
    until("the rest was turned away", || {
        let taken = total(&engine.take());
        not_offered += taken.not_offered;
        started += taken.started;
        not_offered == 50
    });
    assert!(!engine.ended(user));
    engine.stop(Duration::ZERO);
    assert!(engine.ended(user));
    let taken = total(&engine.take());
    assert_eq!((started + taken.started, taken.aborted), (10, 10));
}

#[test]
fn what_is_no_schedule_is_refused() {
    let server = NullServer::start(0).unwrap();
    let engine = engine(&server.url());
    let file = Written::new("refused", 0..3, 2);
    for replay in [
        // A kind that there is not; no place; no file.
        file.of(&["one"], 10),
        file.of(&["one", "two"], 0),
        Replay {
            schedule: PathBuf::from("/nowhere"),
            ..file.of(&["one", "two"], 10)
        },
    ] {
        assert!(engine.replay(replay).is_err());
    }
    assert_eq!(server.received(), 0);
}
