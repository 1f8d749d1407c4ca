//! Streams: their first event, the gaps between events, and when they are over.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use hotlap_engine::swarm::{Counters, Engine, Expectation, LoadModel, Request, Streamed};

use super::servers::{declared, engine, engine_within, serve, total, until};

const HEAD: &str =
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";

fn chunk(stream: &mut TcpStream, text: &str) -> bool {
    let chunk = format!("{:x}\r\n{text}\r\n", text.len());
    stream.write_all(chunk.as_bytes()).is_ok()
}

/// A server of so many events: the first after some time, each next one after another; then the stream ends, if it
/// does.
fn events(count: u64, first_ms: u64, gap_ms: u64, ends: bool) -> String {
    let (url, _) = serve(move |_, stream| {
        stream.set_nodelay(true).unwrap();
        if stream.write_all(HEAD.as_bytes()).is_err() || !chunk(stream, ": hello\n\n") {
            return false;
        }
        for number in 0..count {
            let pause_ms = if number == 0 { first_ms } else { gap_ms };
            std::thread::sleep(Duration::from_millis(pause_ms));
            if !chunk(stream, &format!("data: {number}\n\n")) {
                return false;
            }
        }
        if !ends {
            std::thread::sleep(Duration::from_secs(20));
        }
        stream.write_all(b"0\r\n\r\n").is_ok()
    });
    url
}

fn streamed(stream: Streamed) -> Request {
    Request {
        stream: Some(stream),
        ..Request::get("/events")
    }
}

fn counted(url: &str, request: Request, enough: u64) -> Counters {
    counted_by(&engine(url), request, enough)
}

fn counted_by(engine: &Engine, request: Request, enough: u64) -> Counters {
    let behaviour = engine
        .declare(declared(LoadModel::Closed, 0, vec![request]))
        .unwrap();
    engine.add(behaviour, 0.0).unwrap();
    let mut sum = Counters::default();
    until("streams end", || {
        sum.merge(&total(&engine.take()));
        sum.requests() >= enough
    });
    engine.stop(Duration::ZERO);
    sum.merge(&total(&engine.take()));
    assert_eq!(sum.in_flight(), 0);
    sum
}

#[test]
fn the_first_event_and_the_gaps_are_those_of_the_server() {
    let counters = counted(&events(5, 60, 20, true), streamed(Streamed::default()), 3);
    assert_eq!(counters.failed, 0, "{:?}", counters.errors);
    assert_eq!(counters.events, 5 * counters.answered + counters.events % 5);
    assert!(counters.first_event.count() >= counters.answered);
    assert_eq!(
        counters.gap.count(),
        counters.events - counters.first_event.count()
    );
    // The comment before is the first byte, and no event.
    let smallest = |histogram: &hotlap_engine::swarm::Histogram| histogram.recorded()[0].0;
    assert!(smallest(&counters.first_byte) < 40_000);
    assert!(smallest(&counters.first_event) >= 59_000);
    assert!(
        smallest(&counters.gap) >= 15_000,
        "{}",
        smallest(&counters.gap)
    );
    assert!(smallest(&counters.response) >= 139_000);
}

#[test]
fn a_stream_is_over_after_so_many_events_or_so_long() {
    let url = events(100, 0, 5, false);
    let three = Streamed {
        events: Some(3),
        ..Streamed::default()
    };
    let counters = counted(&url, streamed(three), 5);
    assert_eq!(counters.failed, 0, "{:?}", counters.errors);
    // Each is on a connection of its own: that before holds what nobody reads.
    assert!(counters.connect.count() >= counters.answered);
    assert!(counters.events >= 3 * counters.answered);
    let short = Streamed {
        time: Some(Duration::from_millis(50)),
        ..Streamed::default()
    };
    let began = Instant::now();
    let counters = counted(&url, streamed(short), 2);
    assert!(began.elapsed() >= Duration::from_millis(100));
    assert_eq!(counters.failed, 0, "{:?}", counters.errors);
}

#[test]
fn one_that_ends_too_early_is_a_failure() {
    let url = events(2, 0, 1, true);
    let three = Streamed {
        events: Some(3),
        ..Streamed::default()
    };
    let counters = counted(&url, streamed(three), 2);
    let wanted = "the stream ended after fewer than 3 events";
    assert_eq!(counters.errors.keys().collect::<Vec<_>>(), [wanted]);
    assert_eq!(
        (counters.answered, counters.events),
        (0, 2 * counters.failed + counters.events % 2)
    );
    let long = Streamed {
        time: Some(Duration::from_secs(30)),
        ..Streamed::default()
    };
    let counters = counted(&url, streamed(long), 2);
    assert_eq!(
        counters.errors.keys().collect::<Vec<_>>(),
        ["the stream ended before its 30 s"]
    );
    let (url, _) = serve(|_, stream| {
        let _ = stream.write_all(HEAD.as_bytes());
        chunk(stream, "data: 1\n\n");
        false
    });
    let counters = counted(&url, streamed(Streamed::default()), 2);
    assert_eq!(
        counters.errors.keys().collect::<Vec<_>>(),
        ["the connection ended within the answer"]
    );
}

#[test]
fn the_limit_is_for_silence_not_for_the_whole() {
    let limit = Duration::from_secs(1);
    let url = events(12, 0, 100, true);
    let counters = counted_by(
        &engine_within(&url, limit),
        streamed(Streamed::default()),
        1,
    );
    assert_eq!(counters.failed, 0, "{:?}", counters.errors);
    assert!(counters.response.recorded()[0].0 >= 1_090_000);
    let url = events(2, 0, 3_000, true);
    let counters = counted_by(
        &engine_within(&url, limit),
        streamed(Streamed::default()),
        1,
    );
    assert_eq!(
        counters.errors.keys().collect::<Vec<_>>(),
        ["no answer in time"]
    );
}

#[test]
fn lines_and_chunks_are_events_of_other_streams() {
    let (url, _) = serve(|text, stream| {
        if text.starts_with("GET /lines") {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\nContent-Length: 16\r\n\r\n";
            return stream
                .write_all(format!("{head}{{\"a\": 1}}\n{{}}\n\n{{}}\n").as_bytes())
                .is_ok();
        }
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\nall at once");
        false
    });
    let at = |path: &str| Request {
        stream: Some(Streamed::default()),
        ..Request::get(path)
    };
    let counters = counted(&url, at("/lines"), 3);
    assert_eq!(counters.failed, 0, "{:?}", counters.errors);
    assert_eq!(counters.events, 3 * counters.answered);
    assert_eq!(counters.connect.count(), 1);
    let counters = counted(&url, at("/close"), 3);
    assert_eq!(counters.failed, 0, "{:?}", counters.errors);
    assert_eq!(counters.body_bytes, 11 * counters.first_byte.count());
}

#[test]
fn what_a_stream_begins_with_is_held_against_what_was_expected() {
    let url = events(3, 0, 1, true);
    let with = |text: &str| Request {
        expectations: vec![Expectation::Contains(text.into())],
        ..streamed(Streamed::default())
    };
    assert_eq!(counted(&url, with("data: 2"), 2).failed, 0);
    assert_eq!(counted(&url, with("data: 3"), 2).answered, 0);
}

#[test]
fn a_connection_with_half_a_request_on_it_is_not_used_again() {
    let (url, _) = serve(|_, stream| {
        let answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig";
        stream.write_all(answer.as_bytes()).unwrap();
        // It goes on reading, as one that keeps connections does.
        let mut rest = [0; 65536];
        while stream.read(&mut rest).is_ok_and(|count| count > 0) {}
        false
    });
    let large = Request {
        method: "POST".into(),
        body: vec![b'x'; 32 * 1024 * 1024],
        statuses: vec![413],
        ..streamed(Streamed::default())
    };
    let counters = counted(&url, large, 3);
    assert_eq!(counters.failed, 0, "{:?}", counters.errors);
    assert!(counters.connect.count() >= counters.answered);
}
