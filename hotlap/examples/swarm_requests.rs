//! So many requests (5,000) by one user to the null server: what one request costs can be counted by callgrind.
//!
//! `cargo build --release --example swarm_requests`, then
//! `valgrind --tool=callgrind --separate-threads=yes target/release/examples/swarm_requests 5000`

use std::io::{self, Write};
use std::time::Duration;

use hotlap_engine::swarm::{
    Behaviour, Config, Engine, Limits, LoadModel, NullServer, Request, Share, Trust,
};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wanted: u64 = std::env::args()
        .nth(1)
        .map_or(Ok(5_000), |text| text.parse())?;
    let server = NullServer::start(100)?;
    let engine = Engine::start(&Config {
        url: server.url(),
        threads: 1,
        limits: Limits {
            connect_timeout: Duration::from_secs(60),
            timeout: Duration::from_secs(60),
            bytes: usize::MAX,
        },
        trust: Trust::Usual,
        seed: 1,
        share: Share::WHOLE,
    })?;
    let behaviour = engine.declare(Behaviour {
        requests: vec![Request::get("/")],
        flow: None,
        mix: Vec::new(),
        model: LoadModel::Closed,
        wait: (Duration::ZERO, Duration::ZERO),
    })?;
    engine.add(behaviour, 0.0)?;
    while server.received() < wanted {
        std::thread::sleep(Duration::from_millis(20));
    }
    engine.stop(Duration::from_secs(60));
    let answered: u64 = engine
        .take()
        .iter()
        .map(|(_, counters)| counters.answered)
        .sum();
    writeln!(io::stdout(), "{answered} answered")?;
    Ok(())
}
