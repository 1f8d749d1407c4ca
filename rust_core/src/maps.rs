//! Two maps that readers share without a lock around the whole: the upper rungs of the ladder of locks.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use parking_lot::Mutex;

use crate::clients::Client;

/// A map in shards, each behind a read-write lock of its own: a writer keeps out those of one shard.
#[derive(Debug, Default)]
pub struct Sharded(DashMap<String, Client>);

impl Sharded {
    /// Sets the client of that name.
    pub fn put(&self, name: String, client: Client) {
        self.0.insert(name, client);
    }

    /// Removes the client of that name.
    pub fn delete(&self, name: &str) {
        self.0.remove(name);
    }

    /// The user ids as strings, shard by shard: what is written meanwhile may be seen or not.
    #[must_use]
    pub fn user_ids(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|entry| entry.user_id.to_string())
            .collect()
    }
}

/// A map that is never changed: a writer makes another and puts it in its place, which readers take
/// without a lock.
#[derive(Debug, Default)]
pub struct Snapshot {
    clients: ArcSwap<HashMap<String, Client>>,
    /// One writer at a time, or one copy would lose the other's client.
    writer: Mutex<()>,
}

impl Snapshot {
    /// Sets the client of that name.
    pub fn put(&self, name: String, client: Client) {
        self.change(|clients| {
            clients.insert(name, client);
        });
    }

    /// Removes the client of that name.
    pub fn delete(&self, name: &str) {
        self.change(|clients| {
            clients.remove(name);
        });
    }

    /// The user ids as strings, all of one moment.
    #[must_use]
    pub fn user_ids(&self) -> Vec<String> {
        self.clients
            .load()
            .values()
            .map(|client| client.user_id.to_string())
            .collect()
    }

    fn change(&self, change: impl FnOnce(&mut HashMap<String, Client>)) {
        let _one_at_a_time = self.writer.lock();
        let mut clients = HashMap::clone(&self.clients.load());
        change(&mut clients);
        self.clients.store(Arc::new(clients));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(user_id: u32) -> Client {
        Client {
            user_id,
            subscribed_topics: Vec::new(),
        }
    }

    fn sorted(mut ids: Vec<String>) -> Vec<String> {
        ids.sort();
        ids
    }

    #[test]
    fn what_is_put_is_there_and_what_is_deleted_is_not() {
        let (sharded, snapshot) = (Sharded::default(), Snapshot::default());
        for (name, user_id) in [("a", 1), ("b", 2), ("a", 3)] {
            sharded.put(name.into(), client(user_id));
            snapshot.put(name.into(), client(user_id));
        }
        assert_eq!(sorted(sharded.user_ids()), ["2", "3"]);
        assert_eq!(sorted(snapshot.user_ids()), ["2", "3"]);
        sharded.delete("b");
        snapshot.delete("b");
        assert_eq!(sharded.user_ids(), ["3"]);
        assert_eq!(snapshot.user_ids(), ["3"]);
    }

    #[test]
    fn no_write_is_lost_among_writers() {
        let (sharded, snapshot) = (Sharded::default(), Snapshot::default());
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let (sharded, snapshot) = (&sharded, &snapshot);
                scope.spawn(move || {
                    for number in 0..100 {
                        let name = format!("{writer}-{number}");
                        sharded.put(name.clone(), client(number));
                        snapshot.put(name, client(number));
                    }
                });
            }
        });
        assert_eq!(sharded.user_ids().len(), 400);
        assert_eq!(snapshot.user_ids().len(), 400);
    }
}
