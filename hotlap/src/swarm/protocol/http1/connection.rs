//! One keep-alive connection: opened when it is needed, used again while the server allows it.

use std::io;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::body::Body;
use super::malformed::Malformed;
use super::response::{self, Head};
use crate::swarm::protocol::outcome::{Answer, Failure, Outcome, Received, Verdict};
use crate::swarm::protocol::stream::{Events, Tap};
use crate::swarm::protocol::wire::Wire;
use crate::swarm::streamed::{Framing, Streamed};
use crate::swarm::target::Target;

const FIRST_BUFFER_BYTES: usize = 2048;
/// A buffer that one large answer made grow is given back, so that many users do not keep many of them.
const KEPT_BUFFER_BYTES: usize = 64 * 1024;
/// So much of a stream's beginning is kept to be held against what was expected.
pub const KEPT_STREAM_BYTES: usize = 64 * 1024;

/// The status of a server that speaks another protocol from then on.
const SWITCHED: u16 = 101;

/// What is asked, as it goes over the wire.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub bytes: &'a [u8],
    pub to_head: bool,
    /// Whether it changes nothing, so that it may be sent again.
    pub is_safe: bool,
    /// Where its answer is a stream.
    pub stream: Option<Streamed>,
}

/// A connection of one user; none is open until the first request.
#[derive(Default)]
pub struct Connection {
    wire: Option<Wire>,
    buffer: Vec<u8>,
    unpacked: Vec<u8>,
}

/// A request that had no answer.
struct Unanswered {
    failure: Failure,
    /// Whether nothing of an answer came.
    untouched: bool,
    /// Whether the request could not be written.
    unsent: bool,
}

impl From<Failure> for Unanswered {
    fn from(failure: Failure) -> Self {
        Self {
            failure,
            untouched: false,
            unsent: false,
        }
    }
}

impl From<Malformed> for Unanswered {
    fn from(what: Malformed) -> Self {
        Failure::Malformed(what.to_string()).into()
    }
}

impl Connection {
    /// Send a request and read its answer; `judge` holds it against what was expected. The total timeout counts from
    /// the send; that of a stream is for its silence.
    ///
    /// A connection that was idle may have been closed by the server just now. Then the request is sent once more on
    /// a new one, if it is safe or could not be written.
    pub async fn ask(
        &mut self,
        target: &Target,
        asked: Asked<'_>,
        tap: &mut dyn Tap,
        mut judge: impl FnMut(Received<'_>) -> Verdict,
    ) -> Outcome {
        let mut connect: Option<Duration> = None;
        let mut reconnected = false;
        loop {
            let used_before = self.wire.as_ref().is_some_and(Wire::is_quiet);
            if !used_before {
                let began = Instant::now();
                match Wire::open(target).await {
                    Ok(wire) => self.wire = Some(wire),
                    Err(failure) => {
                        self.wire = None;
                        return Outcome {
                            sent: began,
                            result: Err(failure),
                            connect: None,
                            reconnected,
                        };
                    }
                }
                connect = Some(connect.unwrap_or_default() + began.elapsed());
            }
            let sent = Instant::now();
            let exchange = async {
                match asked.stream {
                    Some(stream) => {
                        self.follow(target, asked, stream, sent, tap, &mut judge)
                            .await
                    }
                    None => {
                        let most = target.limits.bytes;
                        self.exchange(asked, most, &mut judge).await
                    }
                }
            };
            let result = if asked.stream.is_some() {
                exchange.await
            } else {
                match tokio::time::timeout(target.limits.timeout, exchange).await {
                    Ok(result) => result,
                    Err(_) if self.buffer.is_empty() => Err(Failure::Timeout.into()),
                    Err(_) => Err(Failure::Unended.into()),
                }
            };
            let result = match result {
                Ok(answer) => Ok(answer),
                Err(Unanswered {
                    untouched, unsent, ..
                }) if used_before && untouched && (asked.is_safe || unsent) => {
                    self.wire = None;
                    reconnected = true;
                    continue;
                }
                Err(unanswered) => {
                    self.wire = None;
                    Err(unanswered.failure)
                }
            };
            return Outcome {
                sent,
                result,
                connect,
                reconnected,
            };
        }
    }

    async fn exchange(
        &mut self,
        asked: Asked<'_>,
        most: usize,
        judge: &mut impl FnMut(Received<'_>) -> Verdict,
    ) -> Result<Answer, Unanswered> {
        let Self {
            wire: kept,
            buffer,
            unpacked,
        } = self;
        let mut reading = Reading::begin(kept.as_mut().expect("a connection was made"), buffer);
        reading.send(asked).await?;
        let mut body: Option<(Head, Body)> = None;
        loop {
            if body.is_none() {
                body = reading.head(asked.to_head)?.map(|head| (head, head.body()));
            }
            if let Some((head, body)) = &mut body {
                let rest = &reading.buffer[head.length()..];
                if let Some((used, content)) = body.read(rest, unpacked, reading.ended)? {
                    let answer = Answer {
                        body_bytes: content.len(),
                        verdict: judge(Received {
                            status: head.status,
                            head: &reading.buffer[..head.length()],
                            body: content,
                        }),
                        cut: reading.cut,
                    };
                    let keep = reading.may_go_on(*head, head.length() + used);
                    self.settle(keep);
                    return Ok(answer);
                }
            }
            if reading.buffer.len() > most {
                return Err(Failure::TooLong(most).into());
            }
            reading.more(body.as_ref().map(|(_, body)| body)).await?;
        }
    }

    /// After an answer: keep the connection or not, and give back what a large one took.
    fn settle(&mut self, keep: bool) {
        if !keep {
            self.wire = None;
        }
        if self.buffer.capacity().max(self.unpacked.capacity()) > KEPT_BUFFER_BYTES {
            self.buffer = Vec::new();
            self.unpacked = Vec::new();
        }
    }

    /// Read an answer that comes bit by bit.
    async fn follow(
        &mut self,
        target: &Target,
        asked: Asked<'_>,
        stream: Streamed,
        sent: Instant,
        tap: &mut dyn Tap,
        judge: &mut impl FnMut(Received<'_>) -> Verdict,
    ) -> Result<Answer, Unanswered> {
        let Self {
            wire: kept,
            buffer,
            unpacked,
        } = self;
        let until = stream.time.map(|time| sent + time);
        let mut reading = Reading::begin(kept.as_mut().expect("a connection was made"), buffer);
        within(target.limits.timeout, reading.send(asked)).await?;
        let head = loop {
            if let Some(head) = reading.head(asked.to_head)? {
                break head;
            }
            within(target.limits.timeout, reading.more(None)).await?;
        };
        let head_bytes = reading.buffer[..head.length()].to_vec();
        reading.buffer.drain(..head.length());
        let framing = stream.framing.unwrap_or_else(|| {
            Framing::of(response::header(&head_bytes, "content-type").unwrap_or_default())
        });
        let (mut body, mut events) = (head.body(), Events::new(framing));
        let (mut seen, mut bytes, mut whole, mut begun) = (0_u64, 0_usize, false, false);
        let mut start = Vec::new();
        unpacked.clear();
        let is_full = |seen: u64| stream.events.is_some_and(|wanted| seen >= wanted);
        loop {
            let taken = body.take(reading.buffer, unpacked, reading.ended)?;
            reading.buffer.drain(..taken.used);
            whole |= taken.whole;
            let mut came = events.feed(unpacked, taken.chunks);
            if whole {
                came += events.end();
            }
            if let Some(wanted) = stream.events {
                came = came.min(wanted - seen);
            }
            if !unpacked.is_empty() || came > 0 {
                let now = Instant::now();
                if !std::mem::replace(&mut begun, true) {
                    tap.begin(now);
                }
                tap.came(now, came, unpacked.len());
            }
            seen += came;
            bytes += unpacked.len();
            let room = KEPT_STREAM_BYTES
                .saturating_sub(start.len())
                .min(unpacked.len());
            start.extend_from_slice(&unpacked[..room]);
            unpacked.clear();
            let late = until.is_some_and(|until| Instant::now() >= until);
            if whole || is_full(seen) || late {
                break;
            }
            let more = reading.more(Some(&body));
            let more = within(target.limits.timeout, more);
            match until {
                None => more.await?,
                Some(until) => match tokio::time::timeout_at(until.into(), more).await {
                    Ok(came) => came?,
                    // It was meant to go on for longer.
                    Err(_) => break,
                },
            }
        }
        let mut verdict = judge(Received {
            status: head.status,
            head: &head_bytes,
            body: &start,
        });
        if verdict.objection.is_none() && whole {
            verdict.objection = too_early(stream, seen, sent.elapsed());
        }
        let (keep, cut) = (whole && reading.may_go_on(head, 0), reading.cut);
        self.settle(keep);
        Ok(Answer {
            body_bytes: bytes,
            verdict,
            cut,
        })
    }
}

/// What is wrong with a stream that the server ended.
fn too_early(stream: Streamed, events: u64, after: Duration) -> Option<String> {
    if let Some(wanted) = stream.events.filter(|wanted| events < *wanted) {
        return Some(format!("the stream ended after fewer than {wanted} events"));
    }
    let wanted = stream
        .time
        .filter(|wanted| stream.events.is_none() && after < *wanted)?;
    Some(format!(
        "the stream ended before its {} s",
        wanted.as_secs_f64()
    ))
}

/// Let what has to come do so within the limit for silence.
async fn within<T>(
    limit: Duration,
    what: impl Future<Output = Result<T, Unanswered>>,
) -> Result<T, Unanswered> {
    tokio::time::timeout(limit, what)
        .await
        .unwrap_or_else(|_| Err(Failure::Timeout.into()))
}

/// What came of an answer so far.
struct Reading<'a> {
    wire: &'a mut Wire,
    buffer: &'a mut Vec<u8>,
    /// Whether the request was written.
    sent: bool,
    /// Whether anything came.
    touched: bool,
    /// Whether no more comes.
    ended: bool,
    /// Whether it ended without the notice that TLS gives.
    cut: bool,
    /// Why it could not be written.
    refused: Option<io::Error>,
}

impl<'a> Reading<'a> {
    fn begin(wire: &'a mut Wire, buffer: &'a mut Vec<u8>) -> Self {
        buffer.clear();
        Self {
            wire,
            buffer,
            sent: false,
            touched: false,
            ended: false,
            cut: false,
            refused: None,
        }
    }

    /// Send a request. What does not fit in at once is written while an answer may come already.
    async fn send(&mut self, asked: Asked<'_>) -> Result<(), Unanswered> {
        let mut rest = asked.bytes;
        let mut wrote = self.wire.write(rest).await;
        loop {
            match wrote {
                Ok(count) => rest = &rest[count..],
                // An answer may have come all the same: 413, say.
                Err(error) => {
                    self.refused = Some(error);
                    return Ok(());
                }
            }
            if rest.is_empty() {
                break;
            }
            self.room();
            let (mut reader, mut writer) = tokio::io::split(&mut *self.wire);
            let read = tokio::select! {
                biased;
                done = writer.write(rest) => {
                    wrote = done;
                    continue;
                }
                read = reader.read_buf(self.buffer) => read,
            };
            self.take(read, None)?;
            wrote = Ok(0);
            let refuses = |head: Head| head.status >= 300;
            if self.ended || response::head(self.buffer, asked.to_head)?.is_some_and(refuses) {
                return Ok(());
            }
        }
        match self.wire.flush().await {
            Ok(()) => self.sent = true,
            Err(error) => self.refused = Some(error),
        }
        Ok(())
    }

    /// The head, once it is whole. Interim answers are passed over.
    fn head(&mut self, to_head: bool) -> Result<Option<Head>, Unanswered> {
        while let Some(head) = response::head(self.buffer, to_head)? {
            if head.status == SWITCHED {
                return Err(Malformed::Switched.into());
            }
            if head.status >= 200 {
                return Ok(Some(head));
            }
            self.buffer.drain(..head.length());
        }
        if self.ended {
            let early = if self.buffer.is_empty() {
                "closed without an answer"
            } else {
                "closed within the head"
            };
            return Err(self.lost(io::Error::new(io::ErrorKind::UnexpectedEof, early)));
        }
        Ok(None)
    }

    /// Read what comes next, of that body if its head came.
    async fn more(&mut self, body: Option<&Body>) -> Result<(), Unanswered> {
        self.room();
        let read = self.wire.read_buf(self.buffer).await;
        self.take(read, body)
    }

    fn take(&mut self, read: io::Result<usize>, body: Option<&Body>) -> Result<(), Unanswered> {
        match read {
            Ok(0) => self.ended = true,
            Ok(_) => self.touched = true,
            Err(error)
                if error.kind() == io::ErrorKind::UnexpectedEof
                    && body.is_some_and(Body::ends_with_connection) =>
            {
                (self.ended, self.cut) = (true, true);
            }
            Err(error) => return Err(self.lost(error)),
        }
        Ok(())
    }

    /// Whether the connection can be used again, after an answer that takes so many bytes of what came: more would be
    /// taken for the next answer, and what is left of the request for the next request.
    fn may_go_on(&self, head: Head, used: usize) -> bool {
        head.keep_alive && self.sent && !self.ended && used == self.buffer.len()
    }

    fn lost(&mut self, error: io::Error) -> Unanswered {
        let refused = self.refused.take();
        Unanswered {
            untouched: !self.touched,
            unsent: refused.is_some(),
            failure: Failure::Transport(refused.unwrap_or(error)),
        }
    }

    fn room(&mut self) {
        if self.buffer.capacity() - self.buffer.len() < FIRST_BUFFER_BYTES / 2 {
            self.buffer
                .reserve(self.buffer.len().max(FIRST_BUFFER_BYTES));
        }
    }
}
