//! Where an engine connects to, found out once.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use rustls_pki_types::ServerName;
use tokio_rustls::TlsConnector;

use super::error::{EngineError, Result};
use super::tls::{self, Trust};

/// Where and how to connect.
pub struct Target {
    pub address: SocketAddr,
    /// As the `Host` header says it.
    pub host: String,
    pub tls: Option<(TlsConnector, ServerName<'static>)>,
    pub connect_timeout: Duration,
    pub timeout: Duration,
}

impl Target {
    /// The target of `http://host:port` or `https://host:port`, its name resolved.
    pub fn resolve(
        url: &str,
        trust: &Trust,
        connect_timeout: Duration,
        timeout: Duration,
    ) -> Result<Self> {
        let invalid = || {
            EngineError::Url(format!(
                "{url:?} is not http://host:port or https://host:port"
            ))
        };
        let (scheme, rest) = url.split_once("://").ok_or_else(invalid)?;
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
            .min_by_key(SocketAddr::is_ipv6)
            .ok_or_else(invalid)?;
        let tls = if scheme == "https" {
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
            address,
            host: authority.to_owned(),
            tls,
            connect_timeout,
            timeout,
        })
    }
}
