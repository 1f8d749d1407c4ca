//! A flow: steps that one user goes through, with values carried from one answer to the next requests.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::behaviour::{Behaviour, FLOW, Flow};
use super::capture::Capture;
use super::captured::taken;
use super::data::{Compiler, OutOfData, Position, Values};
use super::error::{EngineError, Result};
use super::exchange::{Counting, Exchanged, InFlight, ended_by};
use super::location::{self, MOST_HOPS};
use super::prepared::{PreparedRequest, Sequence};
use super::protocol::{Received, Verdict, header, headers};
use super::recorder::{Ended, EndedBy, Times};
use super::session::{Seen, Session};
use super::shard::Shard;
use super::stop::StopSignal;
use super::target::Target;

struct Step {
    request: PreparedRequest,
    method: String,
    once: bool,
    follow: bool,
    wait: (Duration, Duration),
    /// With the number of each among all captures.
    captures: Vec<(usize, Capture)>,
}

/// A flow, ready to be gone through.
pub struct PreparedFlow {
    /// Its place in the accounts.
    pub name: usize,
    steps: Vec<Step>,
    again_on: Vec<u16>,
    values: Arc<Values>,
    captures: usize,
    /// How many users began.
    users: AtomicU64,
}

/// What became of a step.
enum Stepped {
    Done,
    /// Whether the transport held, what was wrong, and whether the user begins anew.
    Failed(Exchanged, Ended, bool),
    /// The user has to begin anew.
    Again,
}

impl PreparedFlow {
    /// Prepare the requests of a behaviour as steps.
    pub fn new(
        declared: &Behaviour,
        flow: &Flow,
        target: &Target,
        mut name: impl FnMut(&str, &str) -> usize,
    ) -> Result<Self> {
        let refuse = |message: String| Err(EngineError::Request(message));
        let Some(first) = declared.requests.iter().find(|one| !one.once) else {
            return refuse(format!("{}: a flow has a step that is not once", flow.name));
        };
        if declared
            .requests
            .iter()
            .skip_while(|one| one.once)
            .any(|one| one.once)
        {
            return refuse(format!("{}: steps that are once come first", flow.name));
        }
        if declared.requests.iter().any(|one| one.files != first.files) {
            return refuse(format!(
                "{}: the steps of a flow have the same data",
                flow.name
            ));
        }
        let mut compiler = Compiler::new(first.files.as_deref());
        let mut parts = Vec::new();
        let mut kept = 0;
        for request in &declared.requests {
            let part =
                PreparedRequest::compile(request, &target.host, &target.prefix, &mut compiler)?;
            let captures: Vec<_> = request
                .captures
                .iter()
                .map(|one| (compiler.capture(&one.name), one.clone()))
                .collect();
            if request.once {
                kept = compiler.sources.len();
            }
            parts.push((request, part, captures));
        }
        let captures = compiler.captures();
        let files = first.files.clone().unwrap_or_default();
        let values = Arc::new(Values::new(files, compiler.sources, kept));
        let steps = parts
            .into_iter()
            .map(|(request, part, captures)| Step {
                method: request.method.clone(),
                once: request.once,
                follow: request.follow,
                wait: request.wait,
                captures,
                request: PreparedRequest::of(
                    request,
                    part,
                    Arc::clone(&values),
                    name(&request.method, &request.name),
                ),
            })
            .collect();
        Ok(Self {
            name: name(FLOW, &flow.name),
            steps,
            again_on: flow.again_on.clone(),
            values,
            captures,
            users: AtomicU64::new(0),
        })
    }

    /// Go through the steps once: with those that are once, if the user has not begun.
    pub async fn walk(
        &self,
        shard: &Shard,
        sequence: &Sequence,
        session: &mut Session,
        intended: Instant,
        stop: &StopSignal,
    ) -> Exchanged {
        if self.draw(sequence, session).is_err() {
            shard.recorders()[self.name].run_out();
            return Exchanged::OutOfData;
        }
        session.fresh = !session.begun;
        let mut whole = InFlight::new(shard, self.name);
        let sent = Instant::now();
        let mut waited = Duration::ZERO;
        let mut renewed = false;
        let mut due = intended;
        let mut number = 0;
        let (exchanged, error) = loop {
            let Some(step) = self.steps.get(number) else {
                break (Exchanged::Answered, None);
            };
            if step.once && session.begun {
                number += 1;
                continue;
            }
            if !step.once {
                session.begun = true;
            }
            // Who has just begun is not sent back to begin.
            let may_renew = !renewed && !session.fresh && self.steps[0].once && !step.once;
            match self.step(shard, step, session, due, may_renew).await {
                Stepped::Done => {}
                Stepped::Again => {
                    renewed = true;
                    session.begin_anew();
                    number = 0;
                    due = Instant::now();
                    continue;
                }
                Stepped::Failed(exchanged, ended, anew) => {
                    let name = &step.request.title;
                    if anew || step.once {
                        session.begin_anew();
                    }
                    break (
                        exchanged,
                        ended.error.map(|error| format!("{name}: {error}")),
                    );
                }
            }
            number += 1;
            due = Instant::now();
            let wait = shard.wait(step.wait);
            if !wait.is_zero() {
                shard.pause(stop, due + wait).await;
                if stop.is_raised() {
                    // The flow is given up.
                    return Exchanged::Answered;
                }
                waited += wait;
                due += wait;
            }
        };
        session.fresh = false;
        let done = Instant::now();
        let times = Times {
            intended: (intended + waited).min(done),
            sent: (sent + waited).min(done),
            done,
            connect: None,
        };
        let kind = match exchanged {
            Exchanged::Lost => EndedBy::Loss,
            _ => EndedBy::Answer,
        };
        shard.recorders()[self.name].finish(
            times,
            Ended {
                kind,
                error,
                parsed: false,
                body_bytes: 0,
                redirected: 0,
                reconnected: 0,
                cut: false,
                renewed,
            },
        );
        whole.ended = true;
        exchanged
    }

    /// Take the values of the next round; of a user that has not begun, also those that it keeps.
    fn draw(
        &self,
        sequence: &Sequence,
        session: &mut Session,
    ) -> std::result::Result<(), OutOfData> {
        let drawn = &mut session.outgoing.drawn;
        drawn.captured.resize_with(self.captures, Vec::new);
        if !session.is_known {
            session.user = session.fixed.unwrap_or_else(|| {
                sequence
                    .share
                    .position(self.users.fetch_add(1, Ordering::Relaxed))
            });
            session.is_known = true;
        }
        let request = match session.fixed {
            Some(position) => position,
            None if self.values.differ() => sequence.next(),
            None => 0,
        };
        let position = Position {
            request,
            user: session.user,
        };
        drawn.draw(&self.values, sequence.seed, position)
    }

    async fn step(
        &self,
        shard: &Shard,
        step: &Step,
        session: &mut Session,
        intended: Instant,
        may_renew: bool,
    ) -> Stepped {
        let target = &shard.target;
        let secure = target.tls.is_some();
        let request = &step.request;
        let mut in_flight = InFlight::new(shard, request.name);
        let mut path = {
            let Session {
                outgoing,
                jar,
                cookies,
                ..
            } = session;
            // What cookies go with it depends on its path, which depends on its values.
            request.fill_drawn(outgoing, &[]);
            let path = path_of_bytes(&outgoing.bytes).to_owned();
            jar.header(&path, secure, cookies);
            if !cookies.is_empty() {
                request.fill_drawn(outgoing, cookies);
            }
            path
        };
        let (mut first_sent, mut connect, mut redirected) = (None, Duration::ZERO, 0);
        let mut reconnected = 0;
        let mut tap = Counting::new(shard, request.name, intended);
        loop {
            let Session {
                connection,
                outgoing,
                jar,
                cookies,
                seen,
                ..
            } = session;
            let mut next = None;
            let mut again = false;
            let mut found = Vec::new();
            let mut lacks = false;
            let judge = |answer: Received<'_>| {
                for text in headers(answer.head, "set-cookie") {
                    jar.take(&String::from_utf8_lossy(text), target.name(), &path, secure);
                }
                let redirected = step.follow && location::redirects(answer.status);
                if let Some(found) = header(answer.head, "location").filter(|_| redirected) {
                    next = Some((answer.status, String::from_utf8_lossy(found).into_owned()));
                    return Verdict::default();
                }
                if may_renew && self.again_on.contains(&answer.status) {
                    again = true;
                    return Verdict::default();
                }
                let mut verdict = request.judge(answer, &outgoing.drawn, || shard.random());
                if verdict.objection.is_none() {
                    for (number, capture) in &step.captures {
                        match taken(capture, answer, jar) {
                            Ok(value) => found.push((*number, value)),
                            Err(why) => {
                                verdict.objection = Some(why);
                                lacks = true;
                                break;
                            }
                        }
                    }
                }
                if let Some(seen) = seen {
                    let objection = verdict.objection.clone();
                    seen.push(Seen::of(&request.title, answer, objection));
                }
                verdict
            };
            let asked = request.asked(&outgoing.bytes);
            let outcome = connection.ask(target, asked, &mut tap, judge).await;
            reconnected += u64::from(outcome.reconnected);
            let sent = *first_sent.get_or_insert(outcome.sent);
            connect += outcome.connect.unwrap_or_default();
            let mut ended = Ended {
                redirected,
                reconnected,
                ..ended_by(outcome.result, request.stream.is_some())
            };
            if let Some((status, location)) = next.filter(|_| ended.error.is_none()) {
                let path_there = if redirected as usize == MOST_HOPS {
                    Err(format!("it redirects more than {MOST_HOPS} times"))
                } else {
                    location::path_of(&location, &path, &target.origin())
                };
                match path_there {
                    Ok(there) => {
                        redirected += 1;
                        jar.header(&there, secure, cookies);
                        location::redirect(outgoing, status, &step.method, &there, cookies);
                        path = there;
                        continue;
                    }
                    Err(why) => ended.error = Some(why),
                }
            }
            let times = Times {
                intended,
                sent,
                done: Instant::now(),
                connect: (!connect.is_zero()).then_some(connect),
            };
            for (number, value) in found {
                outgoing.drawn.captured[number] = value;
            }
            shard.recorders()[request.name].finish(times, ended.clone());
            in_flight.ended = true;
            return match ended {
                Ended { error: None, .. } if again => Stepped::Again,
                Ended { error: None, .. } => Stepped::Done,
                Ended {
                    kind: EndedBy::Answer,
                    ..
                } => Stepped::Failed(Exchanged::Answered, ended, lacks),
                _ => Stepped::Failed(Exchanged::Lost, ended, false),
            };
        }
    }
}

fn path_of_bytes(bytes: &[u8]) -> &str {
    let mut words = bytes.split(|byte| *byte == b' ');
    words
        .nth(1)
        .and_then(|path| std::str::from_utf8(path).ok())
        .unwrap_or("/")
}
