//! The clients and the shared map behind its read-write lock.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::time::Instant;

use parking_lot::RwLock;

use crate::histogram::Histogram;

/// The most clients that a service's map takes; see [`crate::fold::MAX_ITERATIONS`].
pub const MAX_CLIENTS: usize = 1000;

/// A client and what it is subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    /// The number that stands for the client.
    pub user_id: u32,
    /// The topics, in the order in which they were given.
    pub subscribed_topics: Vec<String>,
}

/// The map is full: it takes no further client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    /// How many clients the map takes.
    pub limit: usize,
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the map is full: it takes {} clients", self.limit)
    }
}

impl std::error::Error for Full {}

/// How long one side of the read-write lock was waited for and held.
#[derive(Debug, Default)]
pub struct Timings {
    /// From asking for the lock to having it.
    pub wait: Histogram,
    /// From having the lock to releasing it.
    pub hold: Histogram,
}

/// Clients by name, shared by all threads.
///
/// Every method takes the lock, does its work and releases it before it returns: no caller can hold
/// it over a wait.
#[derive(Debug)]
pub struct ClientMap {
    clients: RwLock<HashMap<String, Client>>,
    limit: usize,
    /// Of the side that readers share.
    pub reads: Timings,
    /// Of the side that a writer has to itself.
    pub writes: Timings,
}

impl ClientMap {
    /// An empty map that takes at most `limit` clients.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            clients: RwLock::default(),
            limit,
            reads: Timings::default(),
            writes: Timings::default(),
        }
    }

    /// How many clients the map takes.
    #[must_use]
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The client of that name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Client> {
        self.read(|clients| clients.get(name).cloned())
    }

    /// Sets the client of that name; whether it is new.
    ///
    /// # Errors
    /// [`Full`] when the client would be one too many; the map is then as it was.
    pub fn put(&self, name: String, client: Client) -> Result<bool, Full> {
        self.write(|clients| {
            let full = clients.len() >= self.limit;
            match clients.entry(name) {
                Entry::Occupied(mut entry) => {
                    entry.insert(client);
                    Ok(false)
                }
                Entry::Vacant(_) if full => Err(Full { limit: self.limit }),
                Entry::Vacant(entry) => {
                    entry.insert(client);
                    Ok(true)
                }
            }
        })
    }

    /// Removes the client of that name; whether there was one.
    pub fn delete(&self, name: &str) -> bool {
        // What is removed is freed after the lock is released.
        self.write(|clients| clients.remove(name)).is_some()
    }

    /// All clients, sorted by name.
    #[must_use]
    pub fn list(&self) -> Vec<(String, Client)> {
        let mut all: Vec<_> = self.read(|clients| {
            clients
                .iter()
                .map(|(name, client)| (name.clone(), client.clone()))
                .collect()
        });
        all.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        all
    }

    /// How many clients there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.read(HashMap::len)
    }

    /// The user ids as strings, in no particular order: what the scenarios collect.
    #[must_use]
    pub fn user_ids(&self) -> Vec<String> {
        self.read(collect_ids)
    }

    /// [`Self::user_ids`] if that needs no waiting.
    #[must_use]
    pub fn try_user_ids(&self) -> Option<Vec<String>> {
        let guard = self.clients.try_read()?;
        self.reads.wait.observe_ns(0);
        Some(timed(&self.reads.hold, guard, |clients| {
            collect_ids(clients)
        }))
    }

    fn read<R>(&self, look: impl FnOnce(&HashMap<String, Client>) -> R) -> R {
        let asked = Instant::now();
        let guard = self.clients.read();
        self.reads.wait.observe(asked.elapsed());
        timed(&self.reads.hold, guard, |clients| look(clients))
    }

    fn write<R>(&self, change: impl FnOnce(&mut HashMap<String, Client>) -> R) -> R {
        let asked = Instant::now();
        let guard = self.clients.write();
        self.writes.wait.observe(asked.elapsed());
        timed(&self.writes.hold, guard, |clients| change(clients))
    }
}

/// Does something with the guard, releases it and counts how long it was held.
fn timed<G, R>(hold: &Histogram, mut guard: G, work: impl FnOnce(&mut G) -> R) -> R {
    let since = Instant::now();
    let result = work(&mut guard);
    drop(guard);
    hold.observe(since.elapsed());
    result
}

fn collect_ids(clients: &HashMap<String, Client>) -> Vec<String> {
    clients
        .values()
        .map(|client| client.user_id.to_string())
        .collect()
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn client(user_id: u32) -> Client {
        Client {
            user_id,
            subscribed_topics: vec!["cats".to_string(), "dogs".to_string()],
        }
    }

    #[test]
    fn a_client_is_put_got_listed_and_deleted() {
        let map = ClientMap::new(10);
        assert_eq!(map.put("b".into(), client(2)), Ok(true));
        assert_eq!(map.put("a".into(), client(1)), Ok(true));
        assert_eq!(map.put("b".into(), client(3)), Ok(false));
        assert_eq!(map.get("b"), Some(client(3)));
        assert_eq!(map.get("c"), None);
        assert_eq!(
            map.list(),
            vec![("a".into(), client(1)), ("b".into(), client(3))]
        );
        let mut ids = map.user_ids();
        ids.sort();
        assert_eq!(ids, ["1", "3"]);
        assert!(map.delete("a"));
        assert!(!map.delete("a"));
        assert_eq!(map.count(), 1);
    }

    #[test]
    fn a_full_map_takes_no_new_client_but_a_new_value() {
        let map = ClientMap::new(1);
        assert_eq!(map.put("a".into(), client(1)), Ok(true));
        assert_eq!(map.put("b".into(), client(2)), Err(Full { limit: 1 }));
        assert_eq!(map.put("a".into(), client(3)), Ok(false));
        assert_eq!(map.list(), vec![("a".into(), client(3))]);
    }

    #[test]
    fn reading_does_not_wait_for_readers_but_for_a_writer() {
        let map = ClientMap::new(1);
        let reader = map.clients.read();
        assert_eq!(map.try_user_ids(), Some(vec![]));
        drop(reader);
        let writer = map.clients.write();
        assert_eq!(map.try_user_ids(), None);
        drop(writer);
    }

    #[test]
    fn readers_see_whole_writes_only() {
        let map = ClientMap::new(10);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for user_id in 0..2_000 {
                    let topics = vec![user_id.to_string(); 3];
                    map.put(
                        "a".into(),
                        Client {
                            user_id,
                            subscribed_topics: topics,
                        },
                    )
                    .unwrap();
                }
            });
            for _ in 0..2 {
                scope.spawn(|| {
                    while map.get("a").is_none_or(|seen| {
                        assert!(
                            seen.subscribed_topics
                                .iter()
                                .all(|t| *t == seen.user_id.to_string())
                        );
                        seen.user_id < 1_999
                    }) {}
                });
            }
        });
        assert_eq!(map.writes.hold.snapshot().count(), 2_000);
        assert_eq!(map.writes.wait.snapshot().count(), 2_000);
    }
}
