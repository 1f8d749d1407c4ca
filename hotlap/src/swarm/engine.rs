//! The engine: threads with a runtime each, and the virtual users on them.

use std::io;
use std::net::ToSocketAddrs;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rustls_pki_types::ServerName;
use tokio::runtime::Handle;
use tokio::sync::{Notify, oneshot};

use super::Histogram;
use super::behaviour::Behaviour;
use super::connection::Target;
use super::stats::Figures;
use super::timer::Timer;
use super::tls::{self, Trust};
use super::{arrivals, user};

/// How often a thread looks how late it wakes.
const PULSE: Duration = Duration::from_millis(10);

/// How the engine connects.
#[derive(Clone, Debug)]
pub struct Config {
    /// `http://host:port` or `https://host:port`.
    pub url: String,
    pub threads: usize,
    pub connect_timeout: Duration,
    pub timeout: Duration,
    pub trust: Trust,
    pub seed: u64,
}

/// An engine that cannot start.
#[derive(Debug)]
pub enum EngineError {
    Url(String),
    Tls(String),
    Io(io::Error),
    Request(super::InvalidRequest),
    Argument(String),
}

impl std::fmt::Display for EngineError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Url(message) | Self::Tls(message) | Self::Argument(message) => {
                out.write_str(message)
            }
            Self::Io(error) => write!(out, "{error}"),
            Self::Request(error) => write!(out, "{error}"),
        }
    }
}

impl std::error::Error for EngineError {}

/// What the users of one thread share.
pub struct Shard {
    pub target: Arc<Target>,
    pub timer: Timer,
    figures: Mutex<Vec<Figures>>,
    late: Mutex<Histogram>,
    random: Mutex<fastrand::Rng>,
}

impl Shard {
    /// The accounts, to be changed at once and let go.
    pub fn figures(&self) -> MutexGuard<'_, Vec<Figures>> {
        held(&self.figures)
    }

    /// A number from 0 up to 1.
    pub fn random(&self) -> f64 {
        held(&self.random).f64()
    }
}

/// Ends a user: at its next pause, or after a grace in the middle of a request.
#[derive(Default)]
pub struct Ending {
    asked: AtomicBool,
    told: Notify,
}

impl Ending {
    /// Whether the user shall end.
    pub fn asked(&self) -> bool {
        self.asked.load(Ordering::Acquire)
    }

    /// Wait until it shall.
    pub async fn told(&self) {
        while !self.asked() {
            self.told.notified().await;
        }
    }

    fn ask(&self) {
        self.asked.store(true, Ordering::Release);
        // One waiter at the most; a permit is kept for one that comes later.
        self.told.notify_one();
    }
}

struct Thread {
    handle: Handle,
    shard: Arc<Shard>,
    end: Option<oneshot::Sender<()>>,
    join: Option<JoinHandle<()>>,
}

struct User {
    thread: usize,
    ending: Arc<Ending>,
    task: tokio::task::JoinHandle<()>,
}

/// The engine. Dropped, it ends all its users at once.
pub struct Engine {
    target: Arc<Target>,
    threads: Vec<Thread>,
    behaviours: Mutex<Vec<Arc<Behaviour>>>,
    users: Mutex<std::collections::HashMap<u64, User>>,
    names: Mutex<Vec<(String, String)>>,
    next: AtomicUsize,
}

fn held<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Engine {
    /// Start the threads; no user yet.
    pub fn start(config: &Config) -> Result<Self, EngineError> {
        let target = Arc::new(target(config)?);
        let threads = (0..config.threads.max(1))
            .map(|index| thread(Arc::clone(&target), config.seed.wrapping_add(index as u64)))
            .collect::<Result<_, _>>()
            .map_err(EngineError::Io)?;
        Ok(Self {
            target,
            threads,
            behaviours: Mutex::default(),
            users: Mutex::default(),
            names: Mutex::default(),
            next: AtomicUsize::new(0),
        })
    }

    /// Declare what users do; the number that it returns is given to `add`.
    pub fn behaviour(&self, mut declared: super::Declared) -> Result<usize, EngineError> {
        let mut behaviours = held(&self.behaviours);
        let requests = std::mem::take(&mut declared.requests);
        let requests = requests
            .into_iter()
            .map(|request| {
                let bytes = request
                    .to_bytes(&self.target.host)
                    .map_err(EngineError::Request)?;
                Ok((self.name(&request.method, &request.name), bytes, request))
            })
            .collect::<Result<_, EngineError>>()?;
        behaviours.push(Arc::new(Behaviour::new(
            declared,
            requests,
            self.threads.len(),
        )?));
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
    pub fn add(&self, behaviour: usize, rate: f64) -> Result<u64, EngineError> {
        let declared = held(&self.behaviours).get(behaviour).cloned();
        let declared = declared
            .ok_or_else(|| EngineError::Argument(format!("there is no behaviour {behaviour}")))?;
        if declared.is_open() && !(rate.is_finite() && rate > 0.0) {
            return Err(EngineError::Argument(format!(
                "a rate is above 0, not {rate}"
            )));
        }
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let index = id % self.threads.len();
        let thread = &self.threads[index];
        let ending = Arc::new(Ending::default());
        let (shard, own) = (Arc::clone(&thread.shard), Arc::clone(&ending));
        shard
            .figures()
            .resize_with(held(&self.names).len(), Figures::default);
        let task = if declared.is_open() {
            thread
                .handle
                .spawn(arrivals::offer(shard, declared, own, rate, index))
        } else {
            thread.handle.spawn(user::live(shard, declared, own))
        };
        held(&self.users).insert(
            id as u64,
            User {
                thread: index,
                ending,
                task,
            },
        );
        Ok(id as u64)
    }

    /// Remove a user. It ends between requests; one that is under way is aborted after the grace.
    pub fn remove(&self, id: u64, grace: Duration) {
        let Some(user) = held(&self.users).remove(&id) else {
            return;
        };
        user.ending.ask();
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

    /// How late the threads woke from their pauses since this was last asked: their own delay, whatever the load.
    pub fn take_late(&self) -> Histogram {
        let mut late = Histogram::default();
        for thread in &self.threads {
            late.merge(&std::mem::take(&mut *held(&thread.shard.late)));
        }
        late
    }

    /// The figures by method and name since they were last taken. Requests in flight count as started in
    /// the take in which they start, and end in the one in which they end.
    pub fn take(&self) -> Vec<((String, String), Figures)> {
        let names = held(&self.names).clone();
        let mut merged: Vec<Figures> = vec![Figures::default(); names.len()];
        for thread in &self.threads {
            let taken: Vec<_> = thread
                .shard
                .figures()
                .iter_mut()
                .map(Figures::take)
                .collect();
            for (own, other) in merged.iter_mut().zip(&taken) {
                own.merge(other);
            }
        }
        names.into_iter().zip(merged).collect()
    }

    /// End all users: requests under way are finished within the grace or aborted. Returns when all have ended.
    pub fn stop(&self, grace: Duration) {
        let users: Vec<User> = held(&self.users).drain().map(|(_, user)| user).collect();
        for user in &users {
            user.ending.ask();
        }
        let deadline = Instant::now() + grace;
        while users.iter().any(|user| !user.task.is_finished()) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        for user in &users {
            user.task.abort();
        }
        while users.iter().any(|user| !user.task.is_finished()) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        for thread in &mut self.threads {
            drop(thread.end.take());
        }
        for thread in &mut self.threads {
            if let Some(join) = thread.join.take() {
                // A panic there was printed there.
                let _ = join.join();
            }
        }
    }
}

fn thread(target: Arc<Target>, seed: u64) -> io::Result<Thread> {
    let (end, ended) = oneshot::channel::<()>();
    let (tell, told) = std::sync::mpsc::sync_channel(1);
    let join = std::thread::Builder::new()
        .name("hotlap-swarm".into())
        .spawn(move || {
            leave_signals_to_others();
            let runtime = match tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
            {
                Ok(runtime) => runtime,
                Err(error) => return drop(tell.send(Err(error))),
            };
            runtime.block_on(async move {
                let shard = match Timer::start() {
                    Ok(timer) => Shard {
                        target,
                        timer,
                        figures: Mutex::default(),
                        late: Mutex::default(),
                        random: Mutex::new(fastrand::Rng::with_seed(seed)),
                    },
                    Err(error) => return drop(tell.send(Err(error))),
                };
                let shard = Arc::new(shard);
                tokio::spawn(pulse(Arc::clone(&shard)));
                let _ = tell.send(Ok((Handle::current(), shard)));
                // The sender is dropped, never used: that is the sign.
                let _ = ended.await;
            });
        })?;
    let (handle, shard) = told.recv().map_err(io::Error::other)??;
    Ok(Thread {
        handle,
        shard,
        end: Some(end),
        join: Some(join),
    })
}

/// Signals are for the interpreter's thread: none is delivered to this one.
fn leave_signals_to_others() {
    let mut all = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigfillset` initialises the set that is then read; a null old mask is not written.
    unsafe {
        libc::sigfillset(all.as_mut_ptr());
        libc::pthread_sigmask(libc::SIG_SETMASK, all.as_ptr(), std::ptr::null_mut());
    }
}

/// Look how late this thread wakes, again and again.
async fn pulse(shard: Arc<Shard>) {
    let mut at = Instant::now();
    loop {
        // Not from now: a thread that was held up for long is late for each of the pulses that it missed.
        at += PULSE;
        shard.timer.until(at).await;
        let late = Instant::now().saturating_duration_since(at).as_micros();
        held(&shard.late).record(late.try_into().unwrap_or(u64::MAX));
    }
}

fn target(config: &Config) -> Result<Target, EngineError> {
    let invalid = || {
        EngineError::Url(format!(
            "{:?} is not http://host:port or https://host:port",
            config.url
        ))
    };
    let (scheme, rest) = config.url.split_once("://").ok_or_else(invalid)?;
    let authority = rest.trim_end_matches('/');
    if authority.is_empty() || authority.contains(['/', '?', '@']) {
        return Err(invalid());
    }
    let default_port = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return Err(invalid()),
    };
    let has_port = authority
        .rsplit_once(':')
        .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let full = if has_port {
        authority.to_owned()
    } else {
        format!("{authority}:{default_port}")
    };
    let address = full
        .to_socket_addrs()
        .map_err(|error| EngineError::Url(format!("{authority}: {error}")))?
        .min_by_key(std::net::SocketAddr::is_ipv6)
        .ok_or_else(invalid)?;
    let tls = if scheme == "https" {
        let name = full
            .rsplit_once(':')
            .map_or(authority, |(name, _)| name)
            .trim_matches(['[', ']']);
        let name = ServerName::try_from(name.to_owned()).map_err(|_| invalid())?;
        Some((
            tls::connector(&config.trust).map_err(EngineError::Tls)?,
            name,
        ))
    } else {
        None
    };
    Ok(Target {
        address,
        host: authority.to_owned(),
        tls,
        connect_timeout: config.connect_timeout,
        timeout: config.timeout,
    })
}
