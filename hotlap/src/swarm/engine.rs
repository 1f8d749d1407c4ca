//! The engine: its threads, what its users do, and the users on the threads.

use std::collections::HashMap;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::behaviour::{Behaviour, FLOW};
use super::counters::Counters;
use super::data::Share;
use super::error::{EngineError, Result};
use super::exchange::Exchanged;
use super::histogram::Histogram;
use super::lock::held;
use super::recorder::Recorder;
use super::replay::{self, PreparedReplay, Replay};
use super::session::{Seen, Session};
use super::shard::Shard;
use super::stop::StopSignal;
use super::target::{Limits, Target};
use super::tls::Trust;
use super::work::PreparedBehaviour;
use super::worker::Worker;
use super::{arrivals, user};

/// How the engine connects.
#[derive(Clone, Debug)]
pub struct Config {
    /// `http://host:port` or `https://host:port`.
    pub url: String,
    pub threads: usize,
    pub limits: Limits,
    pub trust: Trust,
    pub seed: u64,
    /// Which positions of the sequence of values are its own, where several engines load one server.
    pub share: Share,
}

struct User {
    thread: usize,
    stop: Arc<StopSignal>,
    task: tokio::task::JoinHandle<()>,
}

/// What became of one round of one user.
#[derive(Clone, Debug)]
pub struct Attempt {
    pub seen: Vec<Seen>,
    /// What was wrong; in a flow, with the step.
    pub error: Option<String>,
    pub out_of_data: bool,
    /// How long it took as a whole, connecting included; nothing where it did not end within its limit.
    pub took: Option<Duration>,
}

/// The engine. Dropped, it ends all its users at once.
pub struct Engine {
    target: Arc<Target>,
    seed: u64,
    share: Share,
    threads: Vec<Worker>,
    behaviours: Mutex<Vec<Arc<PreparedBehaviour>>>,
    users: Mutex<HashMap<u64, User>>,
    names: Mutex<Vec<(String, String)>>,
    next: AtomicUsize,
}

impl Engine {
    /// Start the threads; no user yet.
    pub fn start(config: &Config) -> Result<Self> {
        let target = Arc::new(Target::resolve(&config.url, &config.trust, config.limits)?);
        let threads = (0..config.threads.max(1))
            .map(|index| Worker::start(Arc::clone(&target), config.seed.wrapping_add(index as u64)))
            .collect::<std::io::Result<_>>()?;
        Ok(Self {
            target,
            seed: config.seed,
            share: config.share,
            threads,
            behaviours: Mutex::default(),
            users: Mutex::default(),
            names: Mutex::default(),
            next: AtomicUsize::new(0),
        })
    }

    /// Declare what users do; the number that it returns is given to `add`.
    pub fn declare(&self, declared: Behaviour) -> Result<usize> {
        let name = |method: &str, name: &str| self.name(method, name);
        let prepared = PreparedBehaviour::new(
            declared,
            &self.target,
            self.threads.len(),
            self.seed,
            self.share,
            name,
        )?;
        let mut behaviours = held(&self.behaviours);
        behaviours.push(Arc::new(prepared));
        Ok(behaviours.len() - 1)
    }

    fn name(&self, method: &str, name: &str) -> usize {
        let mut names = held(&self.names);
        let wanted = (method.to_owned(), name.to_owned());
        names
            .iter()
            .position(|known| *known == wanted)
            .unwrap_or_else(|| {
                names.push(wanted);
                names.len() - 1
            })
    }

    /// Add a user; for open arrivals, `rate` arrivals a second more.
    pub fn add(&self, behaviour: usize, rate: f64) -> Result<u64> {
        let declared = held(&self.behaviours).get(behaviour).cloned();
        let declared = declared
            .ok_or_else(|| EngineError::Argument(format!("there is no behaviour {behaviour}")))?;
        if declared.is_open() && !(rate.is_finite() && rate > 0.0) {
            return Err(EngineError::Argument(format!(
                "a rate is above 0, not {rate}"
            )));
        }
        self.spawn(|index, shard, stop| async move {
            if declared.is_open() {
                arrivals::offer(shard, declared, stop, rate, index).await;
            } else {
                user::live(shard, declared, stop).await;
            }
        })
    }

    /// Send recorded requests at their moments, on one thread; they are removed as a user is.
    pub fn replay(&self, declared: Replay) -> Result<u64> {
        let name = |method: &str, name: &str| self.name(method, name);
        let prepared = Arc::new(PreparedReplay::new(declared, &self.target, name)?);
        self.spawn(|_, shard, stop| replay::play(shard, prepared, stop))
    }

    /// Whether a user has ended by itself, as recorded requests do when all were sent and have ended.
    pub fn ended(&self, id: u64) -> bool {
        held(&self.users)
            .get(&id)
            .is_none_or(|user| user.task.is_finished())
    }

    /// Let something live on the thread whose turn it is.
    fn spawn<F>(&self, live: impl FnOnce(usize, Arc<Shard>, Arc<StopSignal>) -> F) -> Result<u64>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let index = id % self.threads.len();
        let thread = &self.threads[index];
        let stop = Arc::new(StopSignal::default());
        let (shard, own) = (Arc::clone(&thread.shard), Arc::clone(&stop));
        shard
            .recorders()
            .resize_with(held(&self.names).len(), Recorder::default);
        let task = thread.handle.spawn(live(index, shard, own));
        held(&self.users).insert(
            id as u64,
            User {
                thread: index,
                stop,
                task,
            },
        );
        Ok(id as u64)
    }

    /// Let one user act once, with the values of a position and within a limit, and give the answers that it got.
    pub fn attempt(
        &self,
        behaviour: usize,
        position: u64,
        limit: Option<Duration>,
    ) -> Result<Attempt> {
        let declared = held(&self.behaviours).get(behaviour).cloned();
        let declared = declared
            .ok_or_else(|| EngineError::Argument(format!("there is no behaviour {behaviour}")))?;
        let thread = &self.threads[0];
        let shard = Arc::clone(&thread.shard);
        shard
            .recorders()
            .resize_with(held(&self.names).len(), Recorder::default);
        let (tell, told) = std::sync::mpsc::sync_channel(1);
        thread.handle.spawn(async move {
            let mut session = Session {
                fixed: Some(position),
                seen: Some(Vec::new()),
                ..Session::default()
            };
            let stop = StopSignal::default();
            let chosen = declared.choose(|| 0.0);
            let began = Instant::now();
            let act = declared.act(&shard, chosen, &mut session, began, &stop);
            let exchanged = match limit {
                Some(limit) => tokio::time::timeout(limit, act).await.ok(),
                None => Some(act.await),
            };
            let took = exchanged.map(|_| began.elapsed());
            let _ = tell.send((exchanged, took, session.seen.unwrap_or_default()));
        });
        let (exchanged, took, seen) = told
            .recv()
            .map_err(|_| EngineError::Argument("the engine has ended".into()))?;
        let mut errors: Vec<((String, String), Counters)> = self.take();
        // What is wrong with a flow says in which step.
        errors.sort_by_key(|((method, _), _)| method != FLOW);
        let error = errors
            .into_iter()
            .find_map(|(_, counters)| counters.errors.into_keys().next());
        Ok(Attempt {
            seen,
            error,
            out_of_data: exchanged == Some(Exchanged::OutOfData),
            took,
        })
    }

    /// Remove a user. It ends between requests; one that is under way is aborted after the grace.
    pub fn remove(&self, id: u64, grace: Duration) {
        let Some(user) = held(&self.users).remove(&id) else {
            return;
        };
        user.stop.raise();
        let User {
            thread, mut task, ..
        } = user;
        self.threads[thread].handle.spawn(async move {
            if tokio::time::timeout(grace, &mut task).await.is_err() {
                task.abort();
            }
        });
    }

    /// How many users there are.
    pub fn users(&self) -> usize {
        held(&self.users).len()
    }

    /// How many requests took values, of all that was declared.
    pub fn drawn(&self) -> u64 {
        let behaviours = held(&self.behaviours);
        behaviours.iter().map(|one| one.drawn()).sum()
    }

    /// How late the threads woke from their pauses since this was last asked: their own delay, whatever the load.
    pub fn take_late(&self) -> Histogram {
        let mut late = Histogram::default();
        for thread in &self.threads {
            late.merge(&std::mem::take(&mut *thread.shard.late()));
        }
        late
    }

    /// What was counted by method and name since it was last taken. Requests in flight count as started in
    /// the take in which they start, and end in the one in which they end.
    pub fn take(&self) -> Vec<((String, String), Counters)> {
        let names = held(&self.names).clone();
        let mut merged: Vec<Counters> = vec![Counters::default(); names.len()];
        for thread in &self.threads {
            let taken: Vec<_> = thread
                .shard
                .recorders()
                .iter_mut()
                .map(Recorder::take)
                .collect();
            for (own, other) in merged.iter_mut().zip(&taken) {
                own.merge(other);
            }
        }
        names.into_iter().zip(merged).collect()
    }

    fn in_flight(&self) -> u64 {
        let of = |thread: &Worker| {
            thread
                .shard
                .recorders()
                .iter()
                .map(Recorder::in_flight)
                .sum::<u64>()
        };
        self.threads.iter().map(of).sum()
    }

    /// End all users: requests under way are finished within the grace or aborted. Returns when all have ended.
    pub fn stop(&self, grace: Duration) {
        let users: Vec<User> = held(&self.users).drain().map(|(_, user)| user).collect();
        for user in &users {
            user.stop.raise();
        }
        let deadline = Instant::now() + grace;
        while users.iter().any(|user| !user.task.is_finished()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        for user in &users {
            user.task.abort();
        }
        // Arrivals that were under way end a moment after who offered them.
        while users.iter().any(|user| !user.task.is_finished()) || self.in_flight() > 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for thread in &mut self.threads {
            thread.tell_to_end();
        }
        for thread in &mut self.threads {
            thread.join();
        }
    }
}
