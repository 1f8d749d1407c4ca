//! The bytes of a connection, whatever carries them.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::client::TlsStream;

use super::outcome::Failure;
use crate::swarm::target::{Place, Target};

/// An open connection.
pub enum Wire {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
    Unix(UnixStream),
}

impl Wire {
    /// Connect to a target, with TLS where it has that.
    pub async fn open(target: &Target) -> Result<Self, Failure> {
        let opening = async {
            let tcp = match &target.place {
                Place::Socket(path) => return Ok(Self::Unix(UnixStream::connect(path).await?)),
                Place::Addresses(addresses) => TcpStream::connect(&addresses[..]).await?,
            };
            tcp.set_nodelay(true)?;
            Ok(match &target.tls {
                None => Self::Plain(tcp),
                Some((connector, name)) => {
                    Self::Tls(Box::new(connector.connect(name.clone(), tcp).await?))
                }
            })
        };
        match tokio::time::timeout(target.limits.connect_timeout, opening).await {
            Ok(opened) => opened.map_err(Failure::Connect),
            Err(_) => Err(Failure::ConnectTimeout),
        }
    }

    /// Whether the server has neither ended it nor sent anything unasked. What the runtime has heard of it is
    /// asked, which costs no system call while nothing came.
    pub fn is_quiet(&self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        let read = match self {
            Self::Unix(unix) if unix.poll_read_ready(&mut context).is_ready() => {
                unix.try_read(&mut [0])
            }
            Self::Unix(_) => return true,
            Self::Plain(tcp) => heard(tcp, &mut context),
            Self::Tls(tls) => heard(tls.get_ref().0, &mut context),
        };
        read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }
}

fn heard(tcp: &TcpStream, context: &mut Context<'_>) -> io::Result<usize> {
    if tcp.poll_read_ready(context).is_pending() {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    tcp.try_read(&mut [0])
}

macro_rules! each {
    ($self:ident, $wire:ident => $call:expr) => {
        match $self.get_mut() {
            Self::Plain(tcp) => {
                let $wire = Pin::new(tcp);
                $call
            }
            Self::Tls(tls) => {
                let $wire = Pin::new(tls.as_mut());
                $call
            }
            Self::Unix(unix) => {
                let $wire = Pin::new(unix);
                $call
            }
        }
    };
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self, wire => wire.poll_read(context, buffer))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self, wire => wire.poll_write(context, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, wire => wire.poll_flush(context))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self, wire => wire.poll_shutdown(context))
    }
}
