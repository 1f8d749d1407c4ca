//! Where an answer redirects to, and the request that goes there.

use super::protocol::Outgoing;

/// How often a request goes where an answer redirects to, before that is a failure.
pub const MOST_HOPS: usize = 10;

/// Whether a status redirects.
pub fn redirects(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}

/// The path that a `Location` stands for, seen from the path of the request.
///
/// # Errors
/// It leaves the server.
pub fn path_of(location: &str, from: &str, origin: &str) -> Result<String, String> {
    let location = location.split('#').next().unwrap_or(location);
    let leaves = || format!("it redirects to another server: {location}");
    let path = if let Some(rest) = location.strip_prefix(origin) {
        match rest.chars().next() {
            None => "/".to_owned(),
            Some('/') => rest.to_owned(),
            Some('?') => format!("/{rest}"),
            Some(_) => return Err(leaves()),
        }
    } else if location.starts_with("//") || location.contains("://") && !location.starts_with('/') {
        return Err(leaves());
    } else if location.starts_with('/') {
        location.to_owned()
    } else {
        let base = from.split('?').next().unwrap_or(from);
        if location.is_empty() || location.starts_with('?') {
            format!("{base}{location}")
        } else {
            let folder = &base[..=base.rfind('/').unwrap_or(0)];
            format!("{folder}{location}")
        }
    };
    if path.bytes().any(|byte| byte <= b' ' || byte >= 0x7f) {
        return Err(format!("it redirects to what is not a path: {path:?}"));
    }
    Ok(without_dots(&path))
}

fn without_dots(path: &str) -> String {
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let mut kept: Vec<&str> = Vec::new();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    for (number, part) in parts.iter().enumerate() {
        match *part {
            ".." => {
                kept.pop();
            }
            "." => {}
            part => kept.push(part),
        }
        if number + 1 == parts.len() && matches!(*part, "." | "..") {
            kept.push("");
        }
    }
    format!("/{}{query}", kept.join("/"))
}

/// Make the request that follows a redirect of the one that was sent: its headers, for another path; of a status that
/// asks for it a `GET` without a body.
pub fn redirect(outgoing: &mut Outgoing, status: u16, method: &str, path: &str, cookies: &[u8]) {
    let end = memchr::memmem::find(&outgoing.bytes, b"\r\n\r\n").unwrap_or(outgoing.bytes.len());
    let becomes_get = status == 303 && method != "HEAD" || status < 303 && method == "POST";
    let method = if becomes_get { "GET" } else { method };
    let mut made = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
    for line in outgoing.bytes[..end].split(|byte| *byte == b'\n').skip(1) {
        let line = line.trim_ascii_end();
        let name = line.split(|byte| *byte == b':').next().unwrap_or(line);
        let is_of_body = name.len() > 8 && name[..8].eq_ignore_ascii_case(b"content-");
        if name.eq_ignore_ascii_case(b"cookie") || becomes_get && is_of_body {
            continue;
        }
        made.extend_from_slice(line);
        made.extend_from_slice(b"\r\n");
    }
    if !cookies.is_empty() {
        made.extend_from_slice(b"Cookie: ");
        made.extend_from_slice(cookies);
        made.extend_from_slice(b"\r\n");
    }
    made.extend_from_slice(b"\r\n");
    if !becomes_get {
        made.extend_from_slice(&outgoing.bytes[(end + 4).min(outgoing.bytes.len())..]);
    }
    outgoing.bytes = made;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_seen_from_where_it_was_answered() {
        for (location, wanted) in [
            ("/x?y=1#z", Ok("/x?y=1")),
            ("http://h:1/x", Ok("/x")),
            ("http://h:1", Ok("/")),
            ("http://h:1?q", Ok("/?q")),
            ("next", Ok("/a/next")),
            ("../next", Ok("/next")),
            ("./", Ok("/a/")),
            ("?p=2", Ok("/a/b?p=2")),
            ("", Ok("/a/b")),
            ("http://h:10/x", Err(())),
            ("https://h:1/x", Err(())),
            ("//other/x", Err(())),
            ("/ü", Err(())),
            ("/r?to=http://other/", Ok("/r?to=http://other/")),
        ] {
            let found = path_of(location, "/a/b?c=/d", "http://h:1").map_err(|_| ());
            assert_eq!(found.as_deref(), wanted.as_deref(), "{location}");
        }
    }

    #[test]
    fn a_redirect_keeps_what_its_status_keeps() {
        let sent = b"POST /a HTTP/1.1\r\nHost: h\r\nCookie: old=1\r\nContent-Type: x\r\nContent-Length: 2\r\n\r\nhi";
        let after = |status| {
            let mut outgoing = Outgoing {
                bytes: sent.to_vec(),
                ..Outgoing::default()
            };
            redirect(&mut outgoing, status, "POST", "/b", b"new=2");
            String::from_utf8(outgoing.bytes).unwrap()
        };
        assert_eq!(
            after(303),
            "GET /b HTTP/1.1\r\nHost: h\r\nCookie: new=2\r\n\r\n"
        );
        assert_eq!(after(302), after(303));
        assert_eq!(
            after(307),
            "POST /b HTTP/1.1\r\nHost: h\r\nContent-Type: x\r\nContent-Length: 2\r\nCookie: new=2\r\n\r\nhi"
        );
    }
}
