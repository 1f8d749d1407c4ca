//! The engine against servers that really listen.

mod connection;
mod data;
mod flow;
mod replay;
mod servers;
mod streams;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hotlap_engine::swarm::{
    Config, Counters, Engine, Expected, Limits, LoadModel, NullServer, Request, Share, Trust,
};

use servers::{declared, engine, ok, serve, total, until};

#[test]
fn the_accounts_are_exact_and_agree_with_the_server() {
    let server = NullServer::start(10).unwrap();
    let engine = engine(&server.url());
    let behaviour = engine
        .declare(declared(
            LoadModel::Closed,
            0,
            vec![Request::get("/a"), Request::get("/b")],
        ))
        .unwrap();
    let users: Vec<u64> = (0..20)
        .map(|_| engine.add(behaviour, 0.0).unwrap())
        .collect();
    until("requests come", || server.received() > 5_000);
    users
        .iter()
        .take(10)
        .for_each(|user| engine.remove(*user, Duration::from_secs(1)));
    assert_eq!(engine.users(), 10);
    let so_far = server.received();
    until("the others go on", || server.received() > so_far + 1_000);
    engine.stop(Duration::from_secs(5));
    let taken = engine.take();
    assert_eq!(taken.len(), 2);
    let all = total(&taken);
    assert_eq!(all.started, all.answered + all.failed + all.aborted);
    assert_eq!((all.failed, all.aborted), (0, 0));
    assert_eq!(all.answered, server.received());
    assert_eq!(all.response.count(), all.answered);
    assert_eq!(all.body_bytes, 10 * all.answered);
    assert_eq!(all.connect.count(), 20);
    assert_eq!(
        all.seconds
            .values()
            .map(|second| second.finished)
            .sum::<u64>(),
        all.answered
    );
    assert_eq!(total(&engine.take()), Counters::default());
}

#[test]
fn weights_share_the_requests() {
    let server = NullServer::start(0).unwrap();
    let engine = engine(&server.url());
    let heavy = Request {
        weight: 9,
        ..Request::get("/heavy")
    };
    let behaviour = engine
        .declare(declared(
            LoadModel::Closed,
            0,
            vec![Request::get("/light"), heavy],
        ))
        .unwrap();
    engine.add(behaviour, 0.0).unwrap();
    until("enough requests", || server.received() > 4_000);
    engine.stop(Duration::from_secs(5));
    let taken = engine.take();
    let share = taken[1].1.started as f64 / total(&taken).started as f64;
    assert!((0.86..0.94).contains(&share), "{share}");
}

#[test]
fn a_paced_user_keeps_its_period_and_sees_the_queue_behind_a_pause() {
    // The first answer takes 300 ms; later ones none: those intended meanwhile waited for it.
    let (url, _) = serve({
        let first = AtomicU64::new(0);
        move |_, stream| {
            if first.fetch_add(1, Ordering::SeqCst) == 0 {
                std::thread::sleep(Duration::from_millis(300));
            }
            ok(stream, "x")
        }
    });
    let engine = engine(&url);
    let behaviour = engine
        .declare(declared(LoadModel::Paced, 20, vec![Request::get("/")]))
        .unwrap();
    engine.add(behaviour, 0.0).unwrap();
    let mut all = Counters::default();
    until("enough answers", || {
        all.merge(&total(&engine.take()));
        all.answered >= 40
    });
    engine.stop(Duration::from_secs(1));
    // 300 ms hold 15 periods of 20 ms: that many responses are late, but one service is.
    let slow =
        |histogram: &hotlap_engine::swarm::Histogram, q: f64| histogram.quantile_ms(q).unwrap();
    assert!(
        slow(&all.response, 0.75) > 20.0,
        "{:?}",
        all.response.quantile_ms(0.75)
    );
    assert!(
        slow(&all.service, 0.75) < 20.0,
        "{:?}",
        all.service.quantile_ms(0.75)
    );
}

#[test]
fn open_arrivals_come_at_their_rate_up_to_the_bound() {
    let server = NullServer::start(0).unwrap();
    let open = engine(&server.url());
    let model = LoadModel::Open {
        exponential: false,
        max_in_flight: 100,
    };
    let behaviour = open
        .declare(declared(model, 0, vec![Request::get("/")]))
        .unwrap();
    let began = Instant::now();
    for _ in 0..4 {
        open.add(behaviour, 50.0).unwrap();
    }
    std::thread::sleep(Duration::from_millis(1500));
    let least = began.elapsed();
    open.stop(Duration::from_secs(5));
    let most = began.elapsed();
    let all = total(&open.take());
    let offered = (all.started + all.not_offered) as f64;
    // A busy machine may hold the engine's thread up shortly before the end: what was due then is not sent.
    let (low, high) = (
        0.8 * 200.0 * least.as_secs_f64(),
        200.0 * most.as_secs_f64() + 4.0,
    );
    assert!(low < offered && offered <= high, "{offered} of {high}");

    // A server that accepts and never answers: the bound holds, the rest is turned away and said.
    let (silent, received) = serve(|_, _| true);
    let stalled = engine(&silent);
    let model = LoadModel::Open {
        exponential: true,
        max_in_flight: 7,
    };
    let behaviour = stalled
        .declare(declared(model, 0, vec![Request::get("/")]))
        .unwrap();
    stalled.add(behaviour, 500.0).unwrap();
    until("the bound is reached", || {
        received.load(Ordering::SeqCst) == 7
    });
    let mut all = Counters::default();
    until("more are turned away", || {
        all.merge(&total(&stalled.take()));
        all.not_offered > 20
    });
    stalled.stop(Duration::ZERO);
    all.merge(&total(&stalled.take()));
    assert_eq!((all.started, all.aborted, all.answered), (7, 7, 0));
}

#[test]
fn answers_are_held_against_what_was_expected() {
    let (url, _) = serve(|text, stream| {
        match text.split(' ').nth(1).unwrap() {
        "/broken" => stream.write_all(b"HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n").is_ok(),
        "/chunked" => stream.write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nright\r\n0\r\n\r\n").is_ok(),
        "/closing" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nright");
            false
        }
        "/interim" => stream.write_all(b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nright").is_ok(),
        "/head" => stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n").is_ok(),
        "/cut" => {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\nright");
            false
        }
        _ => ok(stream, "wrong"),
    }
    });
    let expected = Expected::Exact(b"right".to_vec());
    let of = |path: &str| Request {
        expected: expected.clone(),
        ..Request::get(path)
    };
    let head = Request {
        method: "HEAD".into(),
        expected: Expected::Exact(vec![]),
        ..Request::get("/head")
    };
    for (request, error) in [
        (of("/chunked"), None),
        (of("/closing"), None),
        (of("/interim"), None),
        (head, None),
        (of("/broken"), Some("status 500, not 200")),
        (
            of("/wrong"),
            Some(
                "another body than expected: the first time, after 0 equal bytes came \"wrong\" instead of \"right\"",
            ),
        ),
        (of("/cut"), Some("the connection ended within the answer")),
    ] {
        let engine = engine(&url);
        let path = request.path.clone();
        let behaviour = engine
            .declare(declared(LoadModel::Closed, 1, vec![request]))
            .unwrap();
        engine.add(behaviour, 0.0).unwrap();
        let mut all = Counters::default();
        until(&path, || {
            all.merge(&total(&engine.take()));
            all.answered + all.failed >= 3
        });
        let errors: Vec<&str> = all.errors.keys().map(String::as_str).collect();
        assert_eq!(errors, error.into_iter().collect::<Vec<_>>(), "{path}");
    }
}

#[test]
fn a_dead_server_is_not_hammered() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let engine = engine(&format!("http://127.0.0.1:{port}"));
    let behaviour = engine
        .declare(declared(LoadModel::Closed, 0, vec![Request::get("/")]))
        .unwrap();
    let began = Instant::now();
    engine.add(behaviour, 0.0).unwrap();
    let mut all = Counters::default();
    until("some tries", || {
        all.merge(&total(&engine.take()));
        all.failed >= 4
    });
    assert!(began.elapsed() >= Duration::from_millis(300));
    engine.stop(Duration::from_secs(1));
    all.merge(&total(&engine.take()));
    assert_eq!(all.started, all.failed + all.aborted);
    assert!(
        all.errors
            .keys()
            .all(|error| error.starts_with("cannot connect")),
        "{:?}",
        all.errors
    );
}

#[test]
fn a_user_removed_within_a_request_finishes_it_or_aborts_it() {
    let (url, received) = serve(|_, stream| {
        std::thread::sleep(Duration::from_millis(200));
        ok(stream, "x")
    });
    for (grace_ms, answered, aborted) in [(5_000, 1, 0), (0, 0, 1)] {
        let engine = engine(&url);
        let behaviour = engine
            .declare(declared(LoadModel::Closed, 0, vec![Request::get("/")]))
            .unwrap();
        let before = received.load(Ordering::SeqCst);
        engine.add(behaviour, 0.0).unwrap();
        until("it is received", || {
            received.load(Ordering::SeqCst) == before + 1
        });
        engine.stop(Duration::from_millis(grace_ms));
        let all = total(&engine.take());
        assert_eq!(
            (all.started, all.answered, all.aborted),
            (1, answered, aborted)
        );
    }
}

#[test]
fn an_answer_that_does_not_come_in_time_is_a_failure() {
    let (url, _) = serve(|_, _| true);
    let engine = Engine::start(&Config {
        url,
        threads: 2,
        limits: Limits {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_millis(50),
            bytes: usize::MAX,
        },
        trust: Trust::Usual,
        seed: 1,
        share: Share::WHOLE,
    })
    .unwrap();
    let behaviour = engine
        .declare(declared(LoadModel::Closed, 0, vec![Request::get("/")]))
        .unwrap();
    engine.add(behaviour, 0.0).unwrap();
    let mut all = Counters::default();
    until("a time-out", || {
        all.merge(&total(&engine.take()));
        all.failed > 0
    });
    assert_eq!(all.errors.keys().collect::<Vec<_>>(), ["no answer in time"]);
    assert!(all.failure.max_ms().unwrap() >= 50.0);
}

#[test]
fn what_cannot_be_run_is_refused() {
    for url in ["127.0.0.1:80", "ftp://x", "http://", "http://a/b"] {
        let config = Config {
            url: url.into(),
            threads: 1,
            limits: Limits {
                connect_timeout: Duration::from_secs(1),
                timeout: Duration::from_secs(1),
                bytes: usize::MAX,
            },
            trust: Trust::Usual,
            seed: 0,
            share: Share::WHOLE,
        };
        assert!(Engine::start(&config).is_err(), "{url}");
    }
    let engine = engine("http://127.0.0.1:1");
    assert!(
        engine
            .declare(declared(LoadModel::Closed, 0, vec![]))
            .is_err()
    );
    assert!(
        engine
            .declare(declared(LoadModel::Paced, 0, vec![Request::get("/")]))
            .is_err()
    );
    assert!(engine.add(99, 0.0).is_err());
}

#[test]
fn what_each_other_body_is_does_not_matter_to_the_errors() {
    let number = AtomicU64::new(0);
    let (url, _) = serve(move |_, stream| {
        ok(
            stream,
            &format!("not {}", number.fetch_add(1, Ordering::SeqCst)),
        )
    });
    let engine = engine(&url);
    let request = Request {
        expected: Expected::Exact(b"not this".to_vec()),
        ..Request::get("/")
    };
    let behaviour = engine
        .declare(declared(LoadModel::Closed, 0, vec![request]))
        .unwrap();
    engine.add(behaviour, 0.0).unwrap();
    let mut counted = Counters::default();
    until("several failed", || {
        counted.merge(&total(&engine.take()));
        counted.failed > 20
    });
    let said: Vec<&String> = counted.errors.keys().collect();
    assert_eq!(
        said,
        [
            "another body than expected: the first time, after 4 equal bytes came \"not 0\" instead of \"not this\""
        ]
    );
}

#[test]
fn a_path_of_the_address_comes_before_each_request() {
    let (url, _) = serve(|text, stream| ok(stream, text.split(' ').nth(1).unwrap()));
    for (below, path) in [
        ("", "/x"),
        ("/", "/x"),
        ("/api", "/api/x"),
        ("/a/b/", "/a/b/x"),
    ] {
        let engine = engine(&format!("{url}{below}"));
        let request = Request {
            expected: Expected::Exact(path.into()),
            ..Request::get("/x")
        };
        let behaviour = engine
            .declare(declared(LoadModel::Closed, 0, vec![request]))
            .unwrap();
        engine.add(behaviour, 0.0).unwrap();
        let mut counted = Counters::default();
        until("it is answered", || {
            counted.merge(&total(&engine.take()));
            counted.requests() > 0
        });
        assert_eq!(counted.failed, 0, "{below}: {:?}", counted.errors);
    }
}

#[test]
fn each_address_of_a_name_is_tried() {
    let Ok(listener) = TcpListener::bind("[::1]:0") else {
        return;
    };
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(1..) = stream.read(&mut buffer) {
                    ok(&mut stream, "6");
                }
            });
        }
    });
    let engine = engine(&format!("http://localhost:{port}"));
    let behaviour = engine
        .declare(declared(LoadModel::Closed, 0, vec![Request::get("/")]))
        .unwrap();
    engine.add(behaviour, 0.0).unwrap();
    let mut counted = Counters::default();
    until("it is answered", || {
        counted.merge(&total(&engine.take()));
        counted.requests() > 0
    });
    assert_eq!(counted.failed, 0, "{:?}", counted.errors);
}
