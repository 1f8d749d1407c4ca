//! A server that does nothing but answer: what a generator can offer is measured against it.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

/// A running server on a port of its own, until it is dropped.
pub struct NullServer {
    address: SocketAddr,
    received: Arc<AtomicU64>,
    end: Option<oneshot::Sender<()>>,
    join: Option<JoinHandle<()>>,
}

impl NullServer {
    /// Serve a body of that many bytes for each request, on a thread of its own.
    pub fn start(body_bytes: usize) -> io::Result<Self> {
        Self::answering(&vec![b'x'; body_bytes])
    }

    /// Serve this body for each request.
    pub fn answering(body: &[u8]) -> io::Result<Self> {
        let whole = answer_of(body);
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let received = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&received);
        let (end, ended) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let join = std::thread::Builder::new()
            .name("hotlap-null".into())
            .spawn(move || {
                runtime.block_on(async move {
                    let Ok(listener) = TcpListener::from_std(listener) else {
                        return;
                    };
                    let accepting = async {
                        while let Ok((stream, _)) = listener.accept().await {
                            tokio::spawn(answer(stream, Arc::clone(&whole), Arc::clone(&counter)));
                        }
                    };
                    tokio::select! {
                        () = accepting => {}
                        _ = ended => {}
                    }
                });
            })?;
        Ok(Self {
            address,
            received,
            end: Some(end),
            join: Some(join),
        })
    }

    /// `http://127.0.0.1:port`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests have come.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }
}

impl Drop for NullServer {
    fn drop(&mut self) {
        drop(self.end.take());
        if let Some(join) = self.join.take() {
            // A panic there was printed there.
            let _ = join.join();
        }
    }
}

fn answer_of(body: &[u8]) -> Arc<[u8]> {
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer.into()
}

async fn answer(mut stream: TcpStream, answer: Arc<[u8]>, received: Arc<AtomicU64>) {
    let _ = stream.set_nodelay(true);
    let mut buffer = Vec::with_capacity(2048);
    while let Ok(read) = stream.read_buf(&mut buffer).await {
        if read == 0 {
            return;
        }
        let Some(head) = memchr::memmem::find(&buffer, b"\r\n\r\n") else {
            continue;
        };
        let whole = head + 4 + content_length(&buffer[..head]);
        if buffer.len() < whole {
            continue;
        }
        buffer.drain(..whole);
        received.fetch_add(1, Ordering::Relaxed);
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

fn content_length(head: &[u8]) -> usize {
    let name = b"content-length:";
    let line = head
        .split(|byte| *byte == b'\n')
        .find(|line| line.len() > name.len() && line[..name.len()].eq_ignore_ascii_case(name));
    line.and_then(|line| {
        std::str::from_utf8(&line[name.len()..])
            .ok()?
            .trim()
            .parse()
            .ok()
    })
    .unwrap_or(0)
}
