//! The cookies of one user of one server (RFC 6265).

use std::cmp::Reverse;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cookie::Cookie;

/// The cookies that a user has.
#[derive(Debug, Default)]
pub struct Jar(Vec<Kept>);

#[derive(Debug)]
struct Kept {
    name: String,
    value: String,
    path: String,
    secure: bool,
    ends: Option<SystemTime>,
}

impl Jar {
    /// Take what a `Set-Cookie` of an answer says; what is not for this host, or is malformed, is passed over.
    pub fn take(&mut self, text: &str, host: &str, request_path: &str, secure: bool) {
        let Ok(cookie) = Cookie::parse(text) else {
            return;
        };
        let is_secure = cookie.secure().unwrap_or(false);
        let for_host = cookie.domain().is_none_or(|domain| is_within(host, domain));
        if !for_host || is_secure && !secure {
            return;
        }
        let path = cookie.path().filter(|path| path.starts_with('/'));
        let path = path.unwrap_or_else(|| folder(request_path)).to_owned();
        self.0
            .retain(|kept| kept.name != cookie.name() || kept.path != path);
        let now = SystemTime::now();
        let ends = ends(&cookie, now);
        if ends.is_none_or(|moment| moment > now) {
            self.0.push(Kept {
                name: cookie.name().to_owned(),
                value: cookie.value().to_owned(),
                path,
                secure: is_secure,
                ends,
            });
        }
    }

    /// The value of the cookie of a name.
    pub fn value(&self, name: &str) -> Option<&str> {
        let kept = self.0.iter().rev().find(|kept| kept.name == name)?;
        Some(&kept.value)
    }

    /// What the `Cookie` header of a request for a path says; empty where there is none to be sent.
    pub fn header(&mut self, path: &str, secure: bool, into: &mut Vec<u8>) {
        into.clear();
        if self.0.iter().any(|kept| kept.ends.is_some()) {
            let now = SystemTime::now();
            self.0
                .retain(|kept| kept.ends.is_none_or(|moment| moment > now));
        }
        let path = path.split('?').next().unwrap_or(path);
        let fits = |kept: &&Kept| is_below(path, &kept.path) && (secure || !kept.secure);
        let mut sent: Vec<&Kept> = self.0.iter().filter(fits).collect();
        // Those with the longer path go first.
        sent.sort_by_key(|kept| Reverse(kept.path.len()));
        for kept in sent {
            if !into.is_empty() {
                into.extend_from_slice(b"; ");
            }
            into.extend_from_slice(kept.name.as_bytes());
            into.push(b'=');
            into.extend_from_slice(kept.value.as_bytes());
        }
    }

    /// Forget all.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

fn ends(cookie: &Cookie<'_>, now: SystemTime) -> Option<SystemTime> {
    if let Some(age) = cookie.max_age() {
        let age = Duration::try_from(age).unwrap_or_default();
        // One that is later than any moment does not end.
        return now.checked_add(age);
    }
    let unix_s = cookie.expires_datetime()?.unix_timestamp();
    Some(UNIX_EPOCH + Duration::from_secs(u64::try_from(unix_s).unwrap_or_default()))
}

/// Whether a host is that of a domain, or below it.
fn is_within(host: &str, domain: &str) -> bool {
    let (host, domain) = (host.to_ascii_lowercase(), domain.to_ascii_lowercase());
    host == domain
        || host
            .strip_suffix(&domain)
            .is_some_and(|rest| rest.ends_with('.'))
}

/// The path of cookies that name none, set by the answer to a request for this path.
fn folder(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or(path);
    match path.rfind('/') {
        None | Some(0) => "/",
        Some(at) => &path[..at],
    }
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder)
        .is_some_and(|rest| rest.is_empty() || folder.ends_with('/') || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(set: &[&str], path: &str, secure: bool) -> String {
        let mut jar = Jar::default();
        for text in set {
            jar.take(text, "shop.example.com", "/a/login?x=/y", secure);
        }
        let mut header = Vec::new();
        jar.header(path, secure, &mut header);
        String::from_utf8(header).unwrap()
    }

    #[test]
    fn cookies_go_where_they_belong() {
        for (set, path, wanted) in [
            (&["a=1", "b=2; Path=/"][..], "/a/x", "a=1; b=2"),
            (&["a=1", "b=2; Path=/"], "/b", "b=2"),
            (&["a=1; Path=/a"], "/ab", ""),
            (&["a=1; Path=/a"], "/a?q=/b", "a=1"),
            (&["a=1; Path=/", "a=2; Path=/"], "/", "a=2"),
            (&["a=1; Path=/", "a=; Path=/; Max-Age=0"], "/", ""),
            (&["a=1; Path=/; Max-Age=99999999999999999999"], "/", "a=1"),
            (&["a=1; Path=/; Max-Age=-5"], "/", ""),
            (
                &["a=1; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
                "/",
                "",
            ),
            (&["a=1; Path=/; Max-Age=100"], "/", "a=1"),
            (&["a=1; Path=/; Domain=example.com"], "/", "a=1"),
            (&["a=1; Path=/; Domain=.example.com"], "/", "a=1"),
            (&["a=1; Path=/; Domain=ample.com"], "/", ""),
            (&["a=1; Path=/; Secure"], "/", ""),
            (&["no cookie"], "/", ""),
        ] {
            assert_eq!(sent(set, path, false), wanted, "{set:?} {path}");
        }
        assert_eq!(sent(&["a=1; Path=/; Secure"], "/", true), "a=1");
    }
}
