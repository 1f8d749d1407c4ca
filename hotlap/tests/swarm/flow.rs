//! Flows: a login, what is carried on, redirects and cookies, as a server sees them.

use std::io::Write;
use std::net::TcpStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hotlap_engine::swarm::{
    Behaviour, Capture, Counters, Engine, FLOW, Flow, LoadModel, Origin, Request,
};

use crate::servers::{engine, serve, until};

fn step(method: &str, path: &str, capture: &[(&str, &str)]) -> Request {
    let captures = capture.iter().map(|(name, origin)| Capture {
        name: (*name).into(),
        origin: Origin::parse(origin).unwrap(),
    });
    Request {
        method: method.into(),
        files: Some(Vec::new()),
        captures: captures.collect(),
        ..Request::get(path)
    }
}

fn flow(model: LoadModel, requests: Vec<Request>, again_on: Vec<u16>) -> Behaviour {
    Behaviour {
        requests,
        flow: Some(Flow {
            name: "whole".into(),
            again_on,
        }),
        mix: Vec::new(),
        model,
        wait: (Duration::ZERO, Duration::ZERO),
    }
}

fn answer(stream: &mut TcpStream, status: &str, more: &str, body: &str) -> bool {
    let length = body.len();
    let text = format!("HTTP/1.1 {status}\r\n{more}Content-Length: {length}\r\n\r\n{body}");
    stream.write_all(text.as_bytes()).is_ok()
}

/// The counts of all steps, and those of the flow as a whole.
#[derive(Default)]
struct Taken {
    steps: Counters,
    whole: Counters,
}

impl Taken {
    fn add(&mut self, engine: &Engine) {
        for ((method, _), counters) in engine.take() {
            let into = if method == FLOW {
                &mut self.whole
            } else {
                &mut self.steps
            };
            into.merge(&counters);
        }
    }
}

/// A shop with a login: tokens are `t1`, `t2` and so on; one of them is good for so many requests.
fn shop(lasts: u64) -> (String, Arc<Mutex<Vec<String>>>) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (log, given, used) = (Arc::clone(&seen), AtomicU64::new(0), AtomicU64::new(0));
    let (url, _) = serve(move |text, stream| {
        let mut words = text.split(' ');
        let asked = format!("{} {}", words.next().unwrap(), words.next().unwrap());
        let token = text
            .split("Bearer ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next());
        log.lock()
            .unwrap()
            .push(format!("{asked} {}", token.unwrap_or("-")));
        let good = format!("t{}", given.load(Ordering::SeqCst));
        match asked.as_str() {
            "POST /login" => {
                let number = given.fetch_add(1, Ordering::SeqCst) + 1;
                used.store(0, Ordering::SeqCst);
                answer(
                    stream,
                    "200 OK",
                    "",
                    &format!("{{\"token\": \"t{number}\"}}"),
                )
            }
            _ if token != Some(&good) || used.fetch_add(1, Ordering::SeqCst) >= lasts => {
                answer(stream, "401 Unauthorized", "", "")
            }
            "POST /cart" => answer(stream, "201 Created", "Location: /cart/7\r\n", "{}"),
            _ => answer(stream, "200 OK", "", "{\"id\": 7}"),
        }
    });
    (url, seen)
}

fn login() -> Request {
    Request {
        once: true,
        ..step("POST", "/login", &[("token", "json:/token")])
    }
}

fn with_token(request: Request, status: u16) -> Request {
    Request {
        headers: vec![("Authorization".into(), "Bearer {token}".into())],
        statuses: vec![status],
        ..request
    }
}

fn shopping() -> Vec<Request> {
    vec![
        login(),
        with_token(step("POST", "/cart", &[("cart", "header:location")]), 201),
        with_token(step("GET", "/x/{cart}", &[]), 200),
    ]
}

#[test]
fn values_are_carried_from_step_to_step_and_a_login_is_once() {
    let (url, seen) = shop(u64::MAX);
    let engine = engine(&url);
    let behaviour = engine
        .declare(flow(LoadModel::Closed, shopping(), vec![]))
        .unwrap();
    let user = engine.add(behaviour, 0.0).unwrap();
    let mut taken = Taken::default();
    until("rounds are done", || {
        taken.add(&engine);
        taken.whole.answered > 20
    });
    engine.remove(user, Duration::from_secs(5));
    until("it has ended", || {
        taken.add(&engine);
        taken.steps.in_flight() == 0 && taken.whole.in_flight() == 0
    });
    let seen = seen.lock().unwrap();
    assert_eq!(
        seen[..5],
        [
            "POST /login -",
            "POST /cart t1",
            "GET /x/%2Fcart%2F7 t1",
            "POST /cart t1",
            "GET /x/%2Fcart%2F7 t1"
        ]
    );
    assert_eq!(seen.iter().filter(|one| one.contains("login")).count(), 1);
    assert_eq!(taken.steps.errors, taken.whole.errors);
    assert_eq!(taken.steps.started, seen.len() as u64);
    assert_eq!(taken.steps.answered, taken.steps.started);
    assert_eq!(
        taken.whole.started,
        taken.whole.answered + taken.whole.aborted
    );
    // A round is the step of each kind, and the first one the login, too.
    assert!(taken.steps.answered > 2 * taken.whole.answered);
}

#[test]
fn who_is_not_known_any_more_begins_anew_if_asked_to() {
    for (again_on, fails) in [(vec![401], false), (vec![], true)] {
        let (url, seen) = shop(5);
        let engine = engine(&url);
        let behaviour = engine
            .declare(flow(LoadModel::Closed, shopping(), again_on))
            .unwrap();
        engine.add(behaviour, 0.0).unwrap();
        let mut taken = Taken::default();
        until("rounds are done", || {
            taken.add(&engine);
            taken.whole.answered > 20 || taken.whole.failed > 2
        });
        engine.stop(Duration::from_secs(5));
        taken.add(&engine);
        let logins = seen
            .lock()
            .unwrap()
            .iter()
            .filter(|one| one.contains("login"))
            .count();
        assert_eq!(taken.whole.failed > 0, fails, "{:?}", taken.whole.errors);
        if fails {
            assert!(
                taken
                    .whole
                    .errors
                    .contains_key("/cart: status 401, not 201"),
                "{:?}",
                taken.whole.errors
            );
        } else {
            assert!(logins > 3);
            assert!(taken.whole.renewed + 2 >= logins as u64);
            assert_eq!(taken.steps.failed, 0, "{:?}", taken.steps.errors);
        }
    }
}

#[test]
fn what_cannot_be_captured_is_a_failure_and_the_user_begins_anew() {
    let (url, seen) = shop(u64::MAX);
    let engine = engine(&url);
    let mut steps = shopping();
    steps[1].captures = vec![Capture {
        name: "cart".into(),
        origin: Origin::parse("json:/no").unwrap(),
    }];
    let behaviour = engine
        .declare(flow(LoadModel::Closed, steps, vec![]))
        .unwrap();
    engine.add(behaviour, 0.0).unwrap();
    let mut taken = Taken::default();
    until("rounds have failed", || {
        taken.add(&engine);
        taken.whole.failed > 3
    });
    let said: Vec<_> = taken.whole.errors.keys().collect();
    assert_eq!(said, ["/cart: its answer has no cart (json:/no)"]);
    let seen = seen.lock().unwrap();
    assert_eq!(
        seen[..4],
        [
            "POST /login -",
            "POST /cart t1",
            "POST /login -",
            "POST /cart t2"
        ]
    );
}

#[test]
fn redirects_are_followed_with_cookies() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let own = Arc::clone(&log);
    let (url, _) = serve(move |text, stream| {
        let line = text.lines().next().unwrap().replace(" HTTP/1.1", "");
        let cookie = text.lines().find(|line| line.starts_with("Cookie: "));
        own.lock()
            .unwrap()
            .push(format!("{line} {}", cookie.unwrap_or("-")));
        match line.as_str() {
            "GET /form" => answer(
                stream,
                "200 OK",
                "Set-Cookie: csrf=abc; Path=/\r\nSet-Cookie: other=1; Path=/elsewhere\r\n",
                "<input name=\"csrf\" value=\"abc\">",
            ),
            "POST /form" => answer(
                stream,
                "302 Found",
                "Set-Cookie: sid=9; Path=/\r\nLocation: done?x=1\r\n",
                "",
            ),
            "GET /done?x=1" => answer(stream, "200 OK", "", "done"),
            "GET /round" => answer(stream, "302 Found", "Location: /round\r\n", ""),
            _ => answer(stream, "404 Not Found", "", ""),
        }
    });
    let engine = engine(&url);
    let post = Request {
        body: b"csrf={csrf}".to_vec(),
        headers: vec![(
            "Content-Type".into(),
            "application/x-www-form-urlencoded".into(),
        )],
        follow: true,
        ..step("POST", "/form", &[])
    };
    let steps = vec![
        step("GET", "/form", &[("csrf", "regex:value=\"([^\"]+)\"")]),
        post,
    ];
    let behaviour = engine
        .declare(flow(LoadModel::Closed, steps, vec![]))
        .unwrap();
    let attempt = engine.attempt(behaviour, 0, None).unwrap();
    assert_eq!(attempt.error, None);
    let bodies: Vec<_> = attempt.seen.iter().map(|one| one.body.as_slice()).collect();
    assert_eq!(
        bodies,
        [&b"<input name=\"csrf\" value=\"abc\">"[..], b"done"]
    );
    assert_eq!(
        *log.lock().unwrap(),
        [
            "GET /form -",
            "POST /form Cookie: csrf=abc",
            "GET /done?x=1 Cookie: csrf=abc; sid=9"
        ]
    );
    let round = Request {
        follow: true,
        ..step("GET", "/round", &[])
    };
    let behaviour = engine
        .declare(flow(LoadModel::Closed, vec![round], vec![]))
        .unwrap();
    let attempt = engine.attempt(behaviour, 0, None).unwrap();
    assert_eq!(
        attempt.error.as_deref(),
        Some("/round: it redirects more than 10 times")
    );
}

#[test]
fn each_arrival_is_another_user() {
    let (url, seen) = shop(u64::MAX);
    let engine = engine(&url);
    let model = LoadModel::Open {
        exponential: false,
        max_in_flight: 1,
    };
    let behaviour = engine.declare(flow(model, shopping(), vec![])).unwrap();
    engine.add(behaviour, 200.0).unwrap();
    let mut taken = Taken::default();
    until("rounds are done", || {
        taken.add(&engine);
        taken.whole.answered > 10
    });
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0], "POST /login -");
    assert_eq!(seen[3], "POST /login -");
}

#[test]
fn what_is_not_a_flow_is_refused() {
    let engine = engine("http://127.0.0.1:1");
    let choice = |request| Behaviour {
        flow: None,
        ..flow(LoadModel::Closed, vec![request], vec![])
    };
    for declared in [
        choice(login()),
        flow(LoadModel::Closed, vec![login()], vec![]),
        flow(
            LoadModel::Closed,
            vec![step("GET", "/", &[]), login()],
            vec![],
        ),
        // Captured only later.
        flow(
            LoadModel::Closed,
            vec![
                step("GET", "/{cart}", &[]),
                step("GET", "/", &[("cart", "json:/id")]),
            ],
            vec![],
        ),
    ] {
        assert!(engine.declare(declared).is_err());
    }
}

#[test]
fn a_mix_has_its_parts_in_exact_proportions() {
    for open in [false, true] {
        let (url, seen) = shop(u64::MAX);
        let engine = engine(&url);
        let model = if open {
            LoadModel::Open {
                exponential: true,
                max_in_flight: 100,
            }
        } else {
            LoadModel::Closed
        };
        let single = |path: &str| Behaviour {
            flow: None,
            ..flow(
                model,
                vec![Request {
                    statuses: vec![401],
                    ..step("GET", path, &[])
                }],
                vec![],
            )
        };
        let mixed = Behaviour {
            requests: Vec::new(),
            flow: None,
            mix: vec![
                (6, single("/a")),
                (2, flow(model, shopping(), vec![])),
                (2, single("/b")),
            ],
            model,
            wait: (Duration::ZERO, Duration::ZERO),
        };
        let behaviour = engine.declare(mixed).unwrap();
        for _ in 0..if open { 1 } else { 4 } {
            engine.add(behaviour, 500.0).unwrap();
        }
        until("enough came", || seen.lock().unwrap().len() > 500);
        engine.stop(Duration::from_secs(5));
        let started = |wanted: &str| -> f64 {
            let seen = seen.lock().unwrap();
            seen.iter().filter(|one| one.starts_with(wanted)).count() as f64
        };
        let (a, b, carts) = (started("GET /a"), started("GET /b"), started("POST /cart"));
        assert!((a - 3.0 * b).abs() <= 6.0, "{a} and {b}");
        // A flow that was about to begin may have been given up.
        assert!((carts - b).abs() <= 6.0, "{carts} and {b}");
    }
}
