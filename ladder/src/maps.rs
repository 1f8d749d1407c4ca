//! Two maps that readers share without a lock around the whole: the upper rungs of the ladder of locks.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use dashmap::DashMap;
use parking_lot::Mutex;

use rust_core::clients::Client;

/// A map of clients.
pub trait ClientsMap: Default + Sync {
    /// Sets the client of that name.
    fn put(&self, name: String, client: Client);

    /// Removes the client of that name, if there is one.
    fn delete(&self, name: &str);

    /// The user ids as strings, in no order.
    #[must_use]
    fn user_ids(&self) -> Vec<String>;
}

/// A map in shards, each behind a read-write lock of its own: a writer keeps out those of one shard.
#[derive(Debug, Default)]
pub struct Sharded(DashMap<String, Client>);

impl ClientsMap for Sharded {
    fn put(&self, name: String, client: Client) {
        self.0.insert(name, client);
    }

    fn delete(&self, name: &str) {
        self.0.remove(name);
    }

    /// Shard by shard: what is written meanwhile may be seen or not.
    fn user_ids(&self) -> Vec<String> {
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

impl ClientsMap for Snapshot {
    fn put(&self, name: String, client: Client) {
        self.change(|clients| {
            clients.insert(name, client);
        });
    }

    fn delete(&self, name: &str) {
        self.change(|clients| {
            clients.remove(name);
        });
    }

    /// All of one moment.
    fn user_ids(&self) -> Vec<String> {
        self.clients
            .load()
            .values()
            .map(|client| client.user_id.to_string())
            .collect()
    }
}

impl Snapshot {
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

    fn what_is_put_is_there_and_what_is_deleted_is_not<M: ClientsMap>() {
        let map = M::default();
        for (name, user_id) in [("a", 1), ("b", 2), ("a", 3)] {
            map.put(name.into(), client(user_id));
        }
        assert_eq!(sorted(map.user_ids()), ["2", "3"]);
        map.delete("b");
        assert_eq!(map.user_ids(), ["3"]);
    }

    fn no_write_is_lost_among_writers<M: ClientsMap>() {
        let map = M::default();
        std::thread::scope(|scope| {
            for writer in 0..4 {
                let map = &map;
                scope.spawn(move || {
                    for number in 0..100 {
                        map.put(format!("{writer}-{number}"), client(number));
                    }
                });
            }
        });
        assert_eq!(map.user_ids().len(), 400);
    }

    #[test]
    fn sharded() {
        what_is_put_is_there_and_what_is_deleted_is_not::<Sharded>();
        no_write_is_lost_among_writers::<Sharded>();
    }

    #[test]
    fn snapshot() {
        what_is_put_is_there_and_what_is_deleted_is_not::<Snapshot>();
        no_write_is_lost_among_writers::<Snapshot>();
    }
}
