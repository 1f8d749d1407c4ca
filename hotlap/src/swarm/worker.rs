//! One thread of an engine, with its runtime: it lives until it is told to end.

use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::shard::Shard;
use super::target::Target;
use super::timer::Timer;

/// How often a thread looks how late it wakes.
const PULSE: Duration = Duration::from_millis(10);

/// One thread of an engine.
pub struct Worker {
    pub handle: Handle,
    pub shard: Arc<Shard>,
    end: Option<oneshot::Sender<()>>,
    join: Option<JoinHandle<()>>,
}

impl Worker {
    /// Start one; `seed` is of what is left to chance on it.
    pub fn start(target: Arc<Target>, seed: u64) -> io::Result<Self> {
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
                        Ok(timer) => Shard::new(target, timer, seed),
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
        Ok(Self {
            handle,
            shard,
            end: Some(end),
            join: Some(join),
        })
    }

    /// Let it end; its users end with it.
    pub fn tell_to_end(&mut self) {
        drop(self.end.take());
    }

    /// Wait until it has ended.
    pub fn join(&mut self) {
        if let Some(join) = self.join.take() {
            // A panic there was printed there.
            let _ = join.join();
        }
    }
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
        shard.late().record(late.try_into().unwrap_or(u64::MAX));
    }
}
