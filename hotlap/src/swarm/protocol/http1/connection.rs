//! One keep-alive connection: opened when it is needed, used again while the server allows it.

use std::io;
use std::task::{Context, Waker};
use std::time::Instant;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::response::{self, Malformed, Progress};
use crate::swarm::protocol::outcome::{Answer, Failure, Outcome, Received, Verdict};
use crate::swarm::target::Target;

const FIRST_BUFFER_BYTES: usize = 2048;
/// A buffer that one large answer made grow is given back, so that many users do not keep many of them.
const KEPT_BUFFER_BYTES: usize = 64 * 1024;

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection of one user; none is open until the first request.
#[derive(Default)]
pub struct Connection {
    stream: Option<Stream>,
    buffer: Vec<u8>,
    unpacked: Vec<u8>,
}

impl Connection {
    /// Send a request and read its answer; `judge` holds it against what was expected. The total timeout counts from the send.
    pub async fn ask(
        &mut self,
        target: &Target,
        request: &[u8],
        to_head: bool,
        judge: impl FnOnce(Received<'_>) -> Verdict,
    ) -> Outcome {
        let mut connect = None;
        if !self.reusable() {
            let began = Instant::now();
            match open(target).await {
                Ok(stream) => self.stream = Some(stream),
                Err(failure) => {
                    return Outcome {
                        sent: began,
                        result: Err(failure),
                        connect: None,
                    };
                }
            }
            connect = Some(began.elapsed());
        }
        let sent = Instant::now();
        let exchange = self.exchange(request, to_head, judge);
        let result = match tokio::time::timeout(target.timeout, exchange).await {
            Ok(result) => result,
            Err(_) => Err(Failure::Timeout),
        };
        if result.is_err() {
            self.stream = None;
        }
        Outcome {
            sent,
            result,
            connect,
        }
    }

    /// Whether a connection is open and the server has neither ended it nor sent anything unasked. What
    /// the runtime has heard of it is asked, which costs no system call while nothing came.
    fn reusable(&mut self) -> bool {
        let Some(stream) = &mut self.stream else {
            return false;
        };
        let tcp = match stream {
            Stream::Plain(tcp) => &*tcp,
            Stream::Tls(tls) => tls.get_ref().0,
        };
        let mut context = Context::from_waker(Waker::noop());
        if tcp.poll_read_ready(&mut context).is_pending() {
            return true;
        }
        match tcp.try_read(&mut [0]) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => true,
            _ => {
                self.stream = None;
                false
            }
        }
    }

    async fn exchange(
        &mut self,
        request: &[u8],
        to_head: bool,
        judge: impl FnOnce(Received<'_>) -> Verdict,
    ) -> Result<Answer, Failure> {
        let Self {
            stream,
            buffer,
            unpacked,
        } = self;
        let open = stream.as_mut().expect("a connection was made");
        buffer.clear();
        match open {
            Stream::Plain(tcp) => tcp.write_all(request).await,
            Stream::Tls(tls) => {
                async {
                    tls.write_all(request).await?;
                    tls.flush().await
                }
                .await
            }
        }
        .map_err(Failure::Transport)?;
        let mut head = None;
        loop {
            if buffer.capacity() - buffer.len() < FIRST_BUFFER_BYTES / 2 {
                buffer.reserve(buffer.len().max(FIRST_BUFFER_BYTES));
            }
            let ended = match open {
                Stream::Plain(tcp) => tcp.read_buf(buffer).await,
                Stream::Tls(tls) => tls.read_buf(buffer).await,
            }
            .map_err(Failure::Transport)?
                == 0;
            loop {
                if head.is_none() {
                    head = response::head(buffer, to_head).map_err(malformed)?;
                }
                let Some(found) = head else {
                    if ended {
                        let early = if buffer.is_empty() {
                            "closed without an answer"
                        } else {
                            "closed within the head"
                        };
                        return Err(Failure::Transport(io::Error::new(
                            io::ErrorKind::UnexpectedEof,
                            early,
                        )));
                    }
                    break;
                };
                if found.status < 200 {
                    buffer.drain(..found.length());
                    head = None;
                    continue;
                }
                let (progress, body) = found.body(buffer, unpacked, ended).map_err(malformed)?;
                let Progress::Done { used } = progress else {
                    break;
                };
                let answer = Answer {
                    body_bytes: body.len(),
                    verdict: judge(Received {
                        status: found.status,
                        head: &buffer[..found.length()],
                        body,
                    }),
                };
                // More than was asked for would be taken for the next answer.
                let keep = found.keep_alive && !ended && used == buffer.len();
                if !keep {
                    *stream = None;
                }
                if buffer.capacity() > KEPT_BUFFER_BYTES {
                    *buffer = Vec::new();
                    *unpacked = Vec::new();
                }
                return Ok(answer);
            }
        }
    }
}

fn malformed(what: Malformed) -> Failure {
    Failure::Malformed(what.to_string())
}

async fn open(target: &Target) -> Result<Stream, Failure> {
    let opening = async {
        let tcp = TcpStream::connect(&target.addresses[..]).await?;
        tcp.set_nodelay(true)?;
        Ok(match &target.tls {
            None => Stream::Plain(tcp),
            Some((connector, name)) => {
                Stream::Tls(Box::new(connector.connect(name.clone(), tcp).await?))
            }
        })
    };
    match tokio::time::timeout(target.connect_timeout, opening).await {
        Ok(opened) => opened.map_err(Failure::Connect),
        Err(_) => Err(Failure::ConnectTimeout),
    }
}
