//! Values that differ from request to request, as a server sees them.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotlap_engine::swarm::{
    AtEnd, Behaviour, Config, Counters, Engine, Expectation, File, Limits, LoadModel, NullServer,
    Order, Request, Share, Table, Trust, Wanted,
};

use crate::servers::{declared, engine, ok, serve, total, until};

fn file(text: &str, order: Order) -> Arc<File> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rows.csv");
    std::fs::write(&path, text).unwrap();
    Arc::new(File::new(Arc::new(Table::read(&path).unwrap()), order).unwrap())
}

fn ids(rows: usize) -> String {
    let mut text = String::from("id\n");
    (1..=rows).for_each(|row| text.push_str(&format!("{row}\n")));
    text
}

fn get(path: &str, files: Vec<Arc<File>>) -> Request {
    Request {
        files: Some(files),
        ..Request::get(path)
    }
}

type Seen = Arc<Mutex<Vec<String>>>;

/// A server that answers with the path that it was asked for, and remembers it.
fn echo() -> (String, Seen) {
    let seen = Seen::default();
    let own = Arc::clone(&seen);
    let (url, _) = serve(move |text, stream| {
        let path = text.split(' ').nth(1).unwrap().to_owned();
        own.lock().unwrap().push(path.clone());
        ok(stream, &path)
    });
    (url, seen)
}

fn shared(url: &str, threads: usize, share: Share) -> Engine {
    Engine::start(&Config {
        url: url.into(),
        threads,
        limits: Limits {
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(5),
            bytes: usize::MAX,
        },
        trust: Trust::Usual,
        seed: 1,
        share,
    })
    .unwrap()
}

fn add(engine: &Engine, behaviour: Behaviour, users: usize) {
    let behaviour = engine.declare(behaviour).unwrap();
    for _ in 0..users {
        engine.add(behaviour, 1_000.0).unwrap();
    }
}

#[test]
fn unique_rows_go_out_once_each_over_threads_and_engines() {
    const ROWS: usize = 500;
    let (url, seen) = echo();
    let unique = file(
        &ids(ROWS),
        Order::Unique {
            at_end: AtEnd::Stop,
        },
    );
    let engines: Vec<Engine> = (0..2)
        .map(|first| shared(&url, 2, Share { first, step: 2 }))
        .collect();
    for engine in &engines {
        add(
            engine,
            declared(
                LoadModel::Closed,
                0,
                vec![get("/{id}", vec![Arc::clone(&unique)])],
            ),
            4,
        );
    }
    let mut all = Counters::default();
    until("each user has run out", || {
        engines
            .iter()
            .for_each(|one| all.merge(&total(&one.take())));
        all.out_of_data == 8
    });
    let mut paths: Vec<usize> = seen
        .lock()
        .unwrap()
        .iter()
        .map(|path| path[1..].parse().unwrap())
        .collect();
    paths.sort_unstable();
    assert_eq!(paths, (1..=ROWS).collect::<Vec<_>>());
    assert_eq!(
        (all.started, all.answered, all.failed),
        (ROWS as u64, ROWS as u64, 0)
    );
}

#[test]
fn arrivals_end_when_no_row_is_left_and_begin_anew_if_asked_to() {
    for (at_end, again) in [(AtEnd::Stop, false), (AtEnd::Again, true)] {
        let (url, seen) = echo();
        let engine = engine(&url);
        let model = LoadModel::Open {
            exponential: false,
            max_in_flight: 10,
        };
        let few = file(&ids(3), Order::Unique { at_end });
        add(
            &engine,
            declared(model, 0, vec![get("/{id}", vec![few])]),
            1,
        );
        let mut all = Counters::default();
        until("it ends, or goes on", || {
            all.merge(&total(&engine.take()));
            all.out_of_data > 0 && all.in_flight() == 0 || all.answered > 20
        });
        assert_eq!(all.out_of_data > 0, !again);
        let seen = seen.lock().unwrap();
        if again {
            assert!(seen.len() > 20 && seen.contains(&"/3".to_owned()));
        } else {
            assert_eq!(seen.len(), 3);
        }
    }
}

#[test]
fn two_loads_with_one_seed_send_the_same() {
    let sent = |order| {
        let (url, seen) = echo();
        let engine = engine(&url);
        let files = vec![file(&ids(1000), order)];
        add(
            &engine,
            declared(LoadModel::Closed, 0, vec![get("/{id}?{hex:8}", files)]),
            1,
        );
        until("enough came", || seen.lock().unwrap().len() >= 100);
        drop(engine);
        let seen = seen.lock().unwrap();
        seen[..100].to_vec()
    };
    for order in [Order::InTurn, Order::Random, Order::Zipf { exponent: 1.0 }] {
        assert_eq!(sent(order), sent(order), "{order:?}");
    }
    assert_ne!(sent(Order::Random), sent(Order::Zipf { exponent: 1.0 }));
}

#[test]
fn hot_rows_come_as_often_as_zipf_says() {
    const ROWS: usize = 100;
    const DRAWS: usize = 20_000;
    let (url, seen) = echo();
    let engine = engine(&url);
    let files = vec![file(&ids(ROWS), Order::Zipf { exponent: 1.0 })];
    add(
        &engine,
        declared(LoadModel::Closed, 0, vec![get("/{id}", files)]),
        4,
    );
    until("enough came", || seen.lock().unwrap().len() >= DRAWS);
    drop(engine);
    let mut counts = BTreeMap::<String, usize>::new();
    for path in &seen.lock().unwrap()[..DRAWS] {
        *counts.entry(path.clone()).or_default() += 1;
    }
    let harmonic: f64 = (1..=ROWS).map(|rank| 1.0 / rank as f64).sum();
    for rank in [1, 2, 10, 50] {
        let wanted = DRAWS as f64 / harmonic / rank as f64;
        let found = counts[&format!("/{rank}")] as f64;
        // Five standard deviations of a count.
        assert!(
            (found - wanted).abs() < 5.0 * wanted.sqrt(),
            "{rank}: {found}, not {wanted}"
        );
    }
}

#[test]
fn bodies_have_their_length_and_headers_their_values() {
    let (url, seen) = {
        let seen = Seen::default();
        let own = Arc::clone(&seen);
        let (url, _) = serve(move |text, stream| {
            own.lock().unwrap().push(text.to_owned());
            ok(stream, "")
        });
        (url, seen)
    };
    let engine = engine(&url);
    let request = Request {
        method: "POST".into(),
        headers: vec![("X-Name".into(), "<{name}>".into())],
        body: b"{\"name\": \"{name}\"}".to_vec(),
        files: Some(vec![file("name\na\n\"quoted \"\"b\"\"\"\n", Order::InTurn)]),
        ..Request::get("/{name}")
    };
    add(&engine, declared(LoadModel::Closed, 0, vec![request]), 1);
    until("two came", || seen.lock().unwrap().len() >= 2);
    let seen = seen.lock().unwrap();
    assert!(seen[0].starts_with("POST /a HTTP/1.1\r\n"), "{}", seen[0]);
    assert!(seen[0].contains("\r\nX-Name: <a>\r\nContent-Length: 13\r\n\r\n{\"name\": \"a\"}"));
    assert!(seen[1].starts_with("POST /quoted%20%22b%22 HTTP/1.1\r\n"));
    assert!(seen[1].ends_with("Content-Length: 24\r\n\r\n{\"name\": \"quoted \\\"b\\\"\"}"));
}

/// One answer for all requests, held against these: what was wrong with it.
fn objection(answer: &'static str, expectations: Vec<Expectation>) -> Option<String> {
    let (url, _) = serve(move |_, stream| stream.write_all(answer.as_bytes()).is_ok());
    let engine = engine(&url);
    let request = Request {
        expectations,
        ..get("/{id}", vec![file("id,name\n7,seven\n", Order::InTurn)])
    };
    add(&engine, declared(LoadModel::Closed, 0, vec![request]), 1);
    let mut all = Counters::default();
    until("some came", || {
        all.merge(&total(&engine.take()));
        all.requests() > 5
    });
    assert!(all.errors.len() < 2, "{:?}", all.errors);
    all.errors.into_keys().next()
}

#[test]
fn answers_are_held_against_what_was_sent() {
    let json = "HTTP/1.1 200 OK\r\nETag: seven\r\nContent-Length: 33\r\n\r\n{\"id\": 7, \"of\": [{\"n\": \"seven\"}]}";
    let at = |pointer: &str, text: &str| Expectation::Json {
        pointer: pointer.into(),
        wanted: Wanted::Text(text.into()),
    };
    let header = |name: &str, value: &str| Expectation::Header {
        name: name.into(),
        value: value.into(),
    };
    let exactly = |value: &str| Expectation::Json {
        pointer: "/id".into(),
        wanted: Wanted::Value(serde_json::from_str(value).unwrap()),
    };
    let pattern = |text: &str| Expectation::Matches(regex::bytes::Regex::new(text).unwrap());
    for good in [
        at("/id", "{id}"),
        at("/of/0/n", "{name}"),
        at("/of/0/n", "seven"),
        exactly("7"),
        header("etag", "{name}"),
        Expectation::Contains("\"id\": {id}".into()),
        pattern("^.+n.+$"),
        Expectation::Size { low: 33, high: 33 },
    ] {
        assert_eq!(objection(json, vec![good.clone()]), None, "{good:?}");
    }
    for (bad, wanted) in [
        (
            at("/id", "{name}"),
            "another value at /id than expected: the first time, \"7\" instead of \"seven\"",
        ),
        // A text without a placeholder is a string, and nothing else.
        (at("/id", "7"), "another value at /id than expected"),
        (
            at("/no", "{id}"),
            "the first time, nothing instead of \"7\"",
        ),
        (exactly("\"7\""), "another value at /id"),
        (
            header("etag", "{id}"),
            "another header etag than expected: the first time, \"seven\" instead of \"7\"",
        ),
        (header("x-no", "{id}"), "the first time, none instead of"),
        (
            Expectation::Contains("<{id}>".into()),
            "a body without what it must contain: the first time, \"<7>\"",
        ),
        (pattern("^x"), "a body that does not match ^x"),
        (
            Expectation::Size { low: 0, high: 32 },
            "another size than from 0 to 32 bytes: the first time, it has 33",
        ),
    ] {
        let said = objection(json, vec![bad.clone()]).unwrap_or_default();
        assert!(said.contains(wanted), "{bad:?}: {said}");
    }
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx";
    let said = objection(text, vec![at("/id", "{id}")]).unwrap();
    assert!(said.starts_with("a body that is not JSON"), "{said}");
}

#[test]
fn large_bodies_are_parsed_by_their_share() {
    let body = format!("{{\"id\": 1, \"more\": \"{}\"}}", "x".repeat(40_000));
    let (url, _) = serve(move |_, stream| ok(stream, &body));
    let engine = engine(&url);
    let request = Request {
        expectations: vec![Expectation::Json {
            pointer: "/id".into(),
            wanted: Wanted::Value(1.into()),
        }],
        ..Request::get("/")
    };
    add(&engine, declared(LoadModel::Closed, 0, vec![request]), 4);
    let mut all = Counters::default();
    until("many came", || {
        all.merge(&total(&engine.take()));
        all.answered > 3_000
    });
    let share = all.parsed as f64 / all.answered as f64;
    assert!((0.07..0.14).contains(&share), "{share}");
}

#[test]
fn what_no_value_stands_for_is_refused() {
    let server = NullServer::start(1).unwrap();
    let engine = engine(&server.url());
    for request in [
        get("/{no}", vec![]),
        get("/{int:2..1}", vec![]),
        Request {
            body: b"{\"n\": {name}}".to_vec(),
            ..get("/", vec![file("name\nx\n", Order::InTurn)])
        },
    ] {
        let declared = declared(LoadModel::Closed, 0, vec![request]);
        assert!(engine.declare(declared).is_err());
    }
}
