//! Servers that really listen, and engines for them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hotlap_engine::swarm::{
    Behaviour, Config, Counters, Engine, Limits, LoadModel, Request, Share, Trust,
};

pub fn engine(url: &str) -> Engine {
    engine_within(url, Duration::from_secs(5))
}

/// One whose requests may take so long.
pub fn engine_within(url: &str, timeout: Duration) -> Engine {
    Engine::start(&Config {
        url: url.into(),
        threads: 1,
        limits: Limits {
            connect_timeout: Duration::from_secs(5),
            timeout,
            bytes: usize::MAX,
        },
        trust: Trust::Usual,
        seed: 1,
        share: Share::WHOLE,
    })
    .unwrap()
}

pub fn declared(model: LoadModel, wait_ms: u64, requests: Vec<Request>) -> Behaviour {
    let wait = Duration::from_millis(wait_ms);
    Behaviour {
        requests,
        flow: None,
        mix: Vec::new(),
        model,
        wait: (wait, wait),
    }
}

/// Poll until it holds.
pub fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

pub fn total(taken: &[((String, String), Counters)]) -> Counters {
    taken
        .iter()
        .fold(Counters::default(), |mut sum, (_, counters)| {
            sum.merge(counters);
            sum
        })
}

/// A server on threads, one a connection: it gives each request to `respond`, which writes to the stream and
/// says whether the connection goes on.
pub fn serve(
    respond: impl Fn(&str, &mut TcpStream) -> bool + Send + Sync + 'static,
) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let received = Arc::new(AtomicU64::new(0));
    let (respond, counter) = (Arc::new(respond), Arc::clone(&received));
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (respond, counter) = (Arc::clone(&respond), Arc::clone(&counter));
            std::thread::spawn(move || {
                let mut text = String::new();
                let mut buffer = [0; 4096];
                while let Ok(read @ 1..) = stream.read(&mut buffer) {
                    text.push_str(std::str::from_utf8(&buffer[..read]).unwrap());
                    if text.contains("\r\n\r\n") {
                        counter.fetch_add(1, Ordering::SeqCst);
                        if !respond(&std::mem::take(&mut text), &mut stream) {
                            return;
                        }
                    }
                }
            });
        }
    });
    (url, received)
}

pub fn ok(stream: &mut TcpStream, body: &str) -> bool {
    let answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(answer.as_bytes()).is_ok()
}
