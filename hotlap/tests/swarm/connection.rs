//! What becomes of connections: kept, closed by the server while idle, ended while a request is being sent.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::time::Duration;

use hotlap_engine::swarm::{Counters, Expected, LoadModel, Request};

use super::servers::{declared, engine, ok, serve, total, until};

/// What a user of a server counts until it has so many answers or failures.
fn counted(url: &str, request: Request, wait_ms: u64, enough: u64) -> Counters {
    let engine = engine(url);
    let behaviour = engine
        .declare(declared(LoadModel::Closed, wait_ms, vec![request]))
        .unwrap();
    engine.add(behaviour, 0.0).unwrap();
    let mut sum = Counters::default();
    until("requests end", || {
        sum.merge(&total(&engine.take()));
        sum.requests() >= enough
    });
    engine.stop(Duration::from_secs(5));
    sum.merge(&total(&engine.take()));
    assert_eq!(sum.in_flight(), 0);
    sum
}

fn post() -> Request {
    Request {
        method: "POST".into(),
        body: b"x".to_vec(),
        ..Request::get("/")
    }
}

/// A server that closes each connection in the moment in which its second request comes: all that the client can see
/// is a connection that was open when it was used again.
fn closes_when_used_again() -> String {
    let (url, _) = serve(|_, stream| {
        ok(stream, "hello");
        let mut next = [0; 1];
        // One byte is read and the rest left, so that the close is a reset.
        let _ = stream.read(&mut next);
        false
    });
    url
}

#[test]
fn a_connection_that_the_server_just_closed_is_no_failure_where_a_request_changes_nothing() {
    let counters = counted(&closes_when_used_again(), Request::get("/"), 1, 20);
    assert_eq!(counters.failed, 0, "{:?}", counters.errors);
    assert!(counters.reconnected >= 18, "{}", counters.reconnected);
    assert_eq!(counters.started, counters.answered + counters.aborted);
}

#[test]
fn one_that_may_have_changed_something_is_not_sent_again() {
    let counters = counted(&closes_when_used_again(), post(), 1, 20);
    assert!(counters.failed >= 5, "{counters:?}");
    assert_eq!(counters.reconnected, 0);
    let errors: Vec<_> = counters.errors.keys().collect();
    assert!(
        errors
            .iter()
            .all(|one| one.starts_with("connection lost: ")),
        "{errors:?}"
    );
}

#[test]
fn half_an_answer_is_a_failure_on_a_kept_connection_too() {
    let (url, _) = serve(|_, stream| {
        ok(stream, "hello");
        let mut request = [0; 4096];
        let _ = stream.read(&mut request);
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Le");
        false
    });
    let counters = counted(&url, Request::get("/"), 1, 10);
    assert!(counters.failed >= 3, "{counters:?}");
    assert_eq!(counters.reconnected, 0);
    assert!(
        counters
            .errors
            .keys()
            .all(|one| one.ends_with("closed within the head")),
        "{:?}",
        counters.errors
    );
}

#[test]
fn an_answer_that_comes_while_the_request_is_sent_is_that_answer() {
    for closes in [true, false] {
        let (url, _) = serve(move |_, stream| {
            let answer = "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig";
            stream.write_all(answer.as_bytes()).unwrap();
            if !closes {
                // The client is the one who ends it.
                let mut rest = [0; 1];
                while stream.peek(&mut rest).is_ok_and(|count| count > 0) {
                    std::thread::sleep(Duration::from_millis(1));
                    if stream.take_error().is_ok_and(|error| error.is_some()) {
                        break;
                    }
                    let _ = stream.set_read_timeout(Some(Duration::from_millis(20)));
                    let mut some = [0; 65536];
                    if stream.read(&mut some).is_ok_and(|count| count == 0) {
                        break;
                    }
                }
            }
            false
        });
        let large = Request {
            body: vec![b'x'; 32 * 1024 * 1024],
            statuses: vec![413],
            expected: Expected::Exact(b"big".to_vec()),
            ..post()
        };
        let counters = counted(&url, large, 0, 3);
        assert_eq!(counters.failed, 0, "{:?}", counters.errors);
    }
}

#[test]
fn a_switch_of_protocols_that_nobody_asked_for_is_a_failure() {
    let (url, _) = serve(|_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n");
        false
    });
    let counters = counted(&url, Request::get("/"), 0, 1);
    let wanted = "the server switched to another protocol unasked (101)";
    assert!(
        counters.errors.contains_key(wanted),
        "{:?}",
        counters.errors
    );
}

#[test]
fn heads_may_be_large_and_have_many_headers() {
    let (url, _) = serve(|_, stream| {
        let many: String = (0..250)
            .map(|at| format!("X-{at}: {}\r\n", "v".repeat(900)))
            .collect();
        let answer = format!("HTTP/1.1 200 OK\r\n{many}Content-Length: 2\r\n\r\nok");
        stream.write_all(answer.as_bytes()).is_ok()
    });
    let counters = counted(&url, Request::get("/"), 0, 3);
    assert_eq!(counters.failed, 0, "{:?}", counters.errors);
}

#[test]
fn a_socket_in_the_file_system_is_a_server_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("app.sock");
    let listener = UnixListener::bind(&path).unwrap();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0; 4096];
            while stream.read(&mut request).is_ok_and(|count| count > 0) {
                let host = String::from_utf8_lossy(&request).contains("Host: localhost\r\n");
                let status = if host { "200 OK" } else { "400 Bad Request" };
                let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                let _ = stream.write_all(answer.as_bytes());
            }
        }
    });
    for url in [
        format!("unix:{}", path.display()),
        format!("unix://{}", path.display()),
    ] {
        let counters = counted(&url, Request::get("/"), 0, 10);
        assert_eq!(counters.failed, 0, "{url}: {:?}", counters.errors);
        assert_eq!(counters.connect.count(), 1);
    }
    let nobody = folder.path().join("nobody.sock");
    let counters = counted(
        &format!("unix:{}", nobody.display()),
        Request::get("/"),
        0,
        1,
    );
    let error = counters.errors.keys().next().unwrap();
    assert!(error.starts_with("cannot connect: No such file"), "{error}");
}

#[test]
fn a_server_that_takes_a_request_bit_by_bit_gets_all_of_it() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let size = 8 * 1024 * 1024;
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut came, mut some) = (Vec::new(), [0; 65536]);
            let mut answered = 0;
            while let Ok(count @ 1..) = stream.read(&mut some) {
                came.extend_from_slice(&some[..count]);
                // Its answer begins before the request ended.
                if answered == 0 {
                    answered = stream.write(b"HTTP/1.1 200 OK\r\n").unwrap();
                }
                if came.ends_with(b"xxend") {
                    let answer = format!("Content-Length: 2\r\nX: {}\r\n\r\nok", came.len());
                    stream.write_all(answer.as_bytes()).unwrap();
                    (came, answered) = (Vec::new(), 0);
                }
            }
        }
    });
    let mut body = vec![b'x'; size];
    body.extend_from_slice(b"end");
    let large = Request { body, ..post() };
    let counters = counted(&url, large, 0, 3);
    assert_eq!(counters.failed, 0, "{:?}", counters.errors);
    assert_eq!(counters.connect.count(), 1);
}
