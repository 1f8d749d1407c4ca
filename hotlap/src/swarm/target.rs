//! Where an engine connects to, found out once.

use std::net::{Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::error::{EngineError, Result};
use super::tls::{self, Trust};

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// All that its name stands for, in the order in which they are tried.
    Addresses(Vec<SocketAddr>),
    /// A socket in the file system.
    Socket(PathBuf),
}

/// Where and how to connect.
pub struct Target {
    pub place: Place,
    /// As the `Host` header says it.
    pub host: String,
    /// The path of the address, which comes before that of each request; empty where there is none.
    pub prefix: String,
    pub tls: Option<(TlsConnector, ServerName<'static>)>,
    pub limits: Limits,
}

/// What a request may take.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    pub connect_timeout: Duration,
    /// For a whole answer; of a stream, for its silence.
    pub timeout: Duration,
    /// The most that comes of an answer that is no stream, on the wire.
    pub bytes: usize,
}

impl Target {
    /// The host's name, without the port.
    pub fn name(&self) -> &str {
        self.host
            .rsplit_once(':')
            .filter(|(_, port)| port.parse::<u16>().is_ok())
            .map_or(&*self.host, |(name, _)| name)
    }

    /// How addresses on the same server begin.
    pub fn origin(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.host)
    }
}

/// What an address of a socket in the file system begins with.
const UNIX: &str = "unix:";

/// The parts of an address, none of them looked up.
pub struct Address<'a> {
    pub secure: bool,
    /// Of a socket in the file system: where it is.
    pub socket: Option<&'a str>,
    /// The host, with the port where one is given.
    pub authority: &'a str,
    pub prefix: &'a str,
}

impl<'a> Address<'a> {
    pub fn parse(url: &'a str) -> Result<Self> {
        if let Some(path) = url.strip_prefix(UNIX) {
            let path = path.strip_prefix("//").unwrap_or(path);
            if path.is_empty() {
                return Err(invalid(url));
            }
            return Ok(Self {
                secure: false,
                socket: Some(path),
                authority: "localhost",
                prefix: "",
            });
        }
        let (scheme, rest) = url.split_once("://").ok_or_else(|| invalid(url))?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let secure = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err(invalid(url)),
        };
        if authority.is_empty() || authority.contains('@') || rest.contains(['?', '#']) {
            return Err(invalid(url));
        }
        Ok(Self {
            secure,
            socket: None,
            authority,
            prefix: path.trim_end_matches('/'),
        })
    }
}

fn invalid(url: &str) -> EngineError {
    EngineError::Url(format!(
        "{url:?} is not http://host:port or https://host:port, with or without a path, or unix:/path/of.sock"
    ))
}

impl Target {
    /// The target of `http://host:port/prefix` or `https://host:port/prefix`, its name resolved, or of `unix:/path`.
    pub fn resolve(url: &str, trust: &Trust, limits: Limits) -> Result<Self> {
        let Address {
            secure,
            socket,
            authority,
            prefix,
        } = Address::parse(url)?;
        if let Some(path) = socket {
            return Ok(Self {
                place: Place::Socket(path.into()),
                prefix: prefix.to_owned(),
                host: authority.to_owned(),
                tls: None,
                limits,
            });
        }
        let default_port = if secure { 443 } else { 80 };
        let invalid = || invalid(url);
        let has_port = authority
            .rsplit_once(':')
            .is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        let full = if has_port {
            authority.to_owned()
        } else {
            format!("{authority}:{default_port}")
        };
        let mut addresses: Vec<SocketAddr> = full
            .to_socket_addrs()
            .map_err(|error| EngineError::Url(format!("{authority}: {error}")))?
            .collect();
        if let Some(port) = full.strip_prefix("localhost:") {
            // It is the machine itself under each of its addresses, whether a table of names says so or not.
            addresses.push((Ipv6Addr::LOCALHOST, port.parse().map_err(|_| invalid())?).into());
        }
        addresses.sort_by_key(SocketAddr::is_ipv6);
        addresses.dedup();
        let tls = if secure {
            let name = full
                .rsplit_once(':')
                .map_or(authority, |(name, _)| name)
                .trim_matches(['[', ']']);
            let name = ServerName::try_from(name.to_owned()).map_err(|_| invalid())?;
            Some((tls::connector(trust)?, name))
        } else {
            None
        };
        Ok(Self {
            place: Place::Addresses(addresses),
            prefix: prefix.to_owned(),
            host: authority.to_owned(),
            tls,
            limits,
        })
    }
}
