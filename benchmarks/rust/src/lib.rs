//! The article's service, without the framework that serves it.

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use tokio::sync::Mutex;
use tokio::time::sleep;

const WAIT: Duration = Duration::from_millis(50);
const ITERATIONS: u64 = 1_000_000;

/// A client of the map.
pub struct Client {
    pub user_id: u32,
    pub subscribed_topics: Vec<String>,
}

/// The shared map, and the exclusive lock that `/read` holds over its wait.
pub struct Service {
    clients: RwLock<HashMap<String, Client>>,
    exclusive: Mutex<()>,
}

impl Service {
    /// The service with the three clients that it starts with.
    pub fn new() -> Arc<Self> {
        let seed: [(&str, u32, &[&str]); 3] = [
            ("87-89-34", 1, &["cats", "dogs"]),
            ("22-38-21", 2, &["cats", "reptiles"]),
            ("12-67-22", 3, &["mice", "birds", "snakes"]),
        ];
        let clients = seed.into_iter().map(|(name, user_id, topics)| {
            let subscribed_topics = topics.iter().map(ToString::to_string).collect();
            (
                name.to_string(),
                Client {
                    user_id,
                    subscribed_topics,
                },
            )
        });
        Arc::new(Self {
            clients: RwLock::new(clients.collect()),
            exclusive: Mutex::new(()),
        })
    }

    fn ids(&self) -> Vec<String> {
        self.clients
            .read()
            .values()
            .map(|client| client.user_id.to_string())
            .collect()
    }

    /// Waits with the exclusive lock held, then adds up the ids.
    pub async fn read(&self) -> String {
        let _held = self.exclusive.lock().await;
        let ids = self.ids();
        sleep(WAIT).await;
        sum(&ids).to_string()
    }

    /// Waits without a lock, then adds up the ids.
    pub async fn fast(&self) -> String {
        let ids = self.ids();
        sleep(WAIT).await;
        sum(&ids).to_string()
    }

    /// Folds over the ids again and again, cloning each before it is parsed.
    pub fn cpualloc(&self) -> String {
        let ids = self.ids();
        (0..ITERATIONS)
            .map(|i| {
                ids.iter()
                    .rev()
                    .fold(i, |folded, id| folded + parse(&black_box(id.clone())))
            })
            .sum::<u64>()
            .to_string()
    }

    /// Folds over the ids again and again.
    pub fn cpu(&self) -> String {
        let ids = self.ids();
        (0..ITERATIONS)
            .map(|i| {
                ids.iter()
                    .rev()
                    .fold(i, |folded, id| folded + parse(black_box(id)))
            })
            .sum::<u64>()
            .to_string()
    }
}

fn sum(ids: &[String]) -> u64 {
    ids.iter().rev().map(|id| parse(id)).sum()
}

fn parse(id: &str) -> u64 {
    id.parse().expect("the ids are numbers")
}

/// The port that the command line names.
pub fn port() -> u16 {
    std::env::args()
        .nth(1)
        .and_then(|word| word.parse().ok())
        .expect("usage: PROGRAM PORT")
}
