//! What holds of the engine's readers, whatever they are given. Fuzzing calls it (`hotlap/fuzz`), and so do the tests.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::capture::{Capture, Origin};
use super::captured::taken;
use super::data::{
    BodyForm, Compiler, Drawn, File, Order, Place, Position, Table, Values, fill, joined, names,
};
use super::histogram::Histogram;
use super::jar::Jar;
use super::location::path_of;
use super::protocol::{Body, Ends, Events, Malformed, Received, head, header};
use super::streamed::Framing;
use super::target::Address;

/// An answer's head and body: reading never crashes; what comes after a prefix never changes what the prefix was
/// said to be; and no more is used than there is.
pub fn response(data: &[u8]) {
    let Some((&first, answer)) = data.split_first() else {
        return;
    };
    let to_head = first & 1 == 1;
    let whole = read(answer, to_head, false);
    let step = (answer.len() / 64).max(1);
    for cut in (0..answer.len()).step_by(step) {
        match (read(&answer[..cut], to_head, false), &whole) {
            // Bytes that are wrong stay wrong.
            (Err(why), whole) => assert_eq!(whole, &Err(why), "{cut}"),
            (Ok(Some(part)), Ok(Some(all))) => assert_eq!(&part, all, "{cut}"),
            (Ok(Some(part)), whole) => panic!("{part:?} became {whole:?} after {cut}"),
            (Ok(None), _) => {}
        }
    }
    if let Ok(Some((_, used, body))) = read(answer, to_head, true) {
        assert!(used <= answer.len());
        assert!(body.len() <= used);
    }
    let _ = header(answer, "location");
}

/// Status, bytes used and body of a whole answer; `None` where more has to come.
fn read(
    answer: &[u8],
    to_head: bool,
    ended: bool,
) -> Result<Option<(u16, usize, Vec<u8>)>, Malformed> {
    let Some(head) = head(answer, to_head)? else {
        return Ok(None);
    };
    assert!(head.length() <= answer.len());
    let (mut unpacked, rest) = (Vec::new(), &answer[head.length()..]);
    let read = head.body().read(rest, &mut unpacked, ended)?;
    Ok(read.map(|(used, body)| (head.status, head.length() + used, body.to_vec())))
}

/// A body that comes bit by bit: its bytes, chunks and events are the same however it is cut.
pub fn stream(data: &[u8]) {
    let Some((&first, body)) = data.split_first() else {
        return;
    };
    let whole = followed(body, body.len().max(1));
    let cut = followed(body, usize::from(first).max(1));
    assert_eq!(whole, cut, "by {first}");
}

/// The body of chunks, how many they are, and the events of each kind in it; nothing where they are malformed.
fn followed(bytes: &[u8], size: usize) -> Option<(Vec<u8>, u64, [u64; 2])> {
    let mut reader = Body::new(Ends::Chunked);
    let mut events = [Framing::Events, Framing::Lines].map(Events::new);
    let (mut body, mut chunks, mut found) = (Vec::new(), 0, [0; 2]);
    let mut kept = Vec::new();
    for piece in bytes.chunks(size) {
        kept.extend_from_slice(piece);
        let mut came = Vec::new();
        let taken = reader.take(&kept, &mut came, false).ok()?;
        assert!(taken.used <= kept.len());
        kept.drain(..taken.used);
        chunks += taken.chunks;
        for (number, events) in events.iter_mut().enumerate() {
            found[number] += events.feed(&came, taken.chunks);
        }
        body.extend_from_slice(&came);
        if taken.whole {
            break;
        }
    }
    let ended = events.iter_mut().map(Events::end);
    for (number, more) in ended.enumerate() {
        found[number] += more;
    }
    Some((body, chunks, found))
}

/// A file of values: it is refused with a sentence, or has a value in each row and column, and each can stand in a
/// path and in JSON.
pub fn table(data: &[u8], scratch: &Path) {
    for ending in ["csv", "tsv", "jsonl"] {
        let path = scratch.with_extension(ending);
        fs::write(&path, data).expect("the folder takes files");
        let read = Table::read(&path);
        fs::remove_file(&path).expect("it is ours");
        let table = match read {
            Ok(table) => Arc::new(table),
            Err(why) => {
                assert!(why.to_string().contains(ending), "{why}");
                continue;
            }
        };
        for row in 0..table.rows() {
            for column in 0..table.columns.len() {
                let _ = table.value(row, column);
            }
        }
        let name = table.columns[0].name.clone();
        let file = Arc::new(File::new(Arc::clone(&table), Order::InTurn).expect("there are rows"));
        let files = [file];
        let mut compiler = Compiler::new(Some(&files));
        let text = format!("{{{name}}}");
        if !names(text.as_bytes()).is_ok_and(|found| found == [name]) {
            continue;
        }
        let url = compiler.compile(text.as_bytes(), Place::Url);
        let json = compiler.compile(
            format!("\"{text}\"").as_bytes(),
            Place::Body(BodyForm::Json),
        );
        let values = Values::new(files.to_vec(), compiler.sources, 0);
        let mut drawn = Drawn::default();
        drawn
            .draw(&values, 1, Position::default())
            .expect("rows go round");
        if let Ok(url) = url {
            let mut written = Vec::new();
            fill(&url, &drawn, &values, &mut written);
            assert!(written.iter().all(u8::is_ascii_graphic), "{written:?}");
        }
        if let Ok(json) = json {
            let mut written = Vec::new();
            fill(&json, &drawn, &values, &mut written);
            serde_json::from_slice::<serde_json::Value>(&written).expect("it is a JSON string");
        }
    }
}

/// Texts from servers and from experiments, a line each: they are refused with a sentence or understood, and nothing
/// that is sent on has a line break in it.
pub fn texts(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let mut jar = Jar::default();
    let mut cookies = Vec::new();
    let mut lines = text.split(['\r', '\n', '\0']);
    let first = lines.next().unwrap_or_default();
    for line in lines.clone().chain([first]) {
        jar.take(line, "shop.example.com", "/a/b", true);
        jar.header("/a/b/c", true, &mut cookies);
        assert!(!cookies.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
        if let Ok(path) = path_of(line, "/a/b?c", "https://shop.example.com") {
            assert!(
                path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic()),
                "{path:?}"
            );
        }
        let _ = Address::parse(line);
        let _ = names(line.as_bytes());
        for place in [
            Place::Url,
            Place::Header,
            Place::Body(BodyForm::Json),
            Place::Text,
        ] {
            let mut compiler = Compiler::new(Some(&[]));
            if let Ok(pieces) = compiler.compile(line.as_bytes(), place) {
                let values = Values::new(Vec::new(), compiler.sources, 0);
                let mut drawn = Drawn::default();
                drawn
                    .draw(&values, 1, Position::default())
                    .expect("nothing runs out");
                fill(&joined(pieces), &drawn, &values, &mut Vec::new());
            }
        }
    }
    if let Ok(origin) = Origin::parse(first) {
        let capture = Capture {
            name: "it".to_owned(),
            origin,
        };
        let body = data.get(first.len() + 1..).unwrap_or_default();
        let answer = Received {
            status: 200,
            head: body,
            body,
        };
        if let Ok(found) = taken(&capture, answer, &jar) {
            assert!(!found.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
        }
    }
}

/// What a worker sends of its latencies: it is refused, or counts the same when it is sent on.
pub fn histogram(data: &[u8]) {
    if let Ok(read) = Histogram::decode(data) {
        let again = Histogram::decode(&read.encode()).expect("it was just made");
        assert_eq!(again.count(), read.count());
        let _ = (
            read.hgrm(),
            read.mean_ms(),
            read.max_ms(),
            read.quantile_ms(0.5),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::broken::each;

    #[test]
    fn broken_answers_are_read() {
        let samples: [&[u8]; 6] = [
            b"0HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
            b"0HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;x=y\r\nlo\r\n0\r\nT: x\r\n\r\n",
            b"0HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n\r\nhello",
            b"1HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
            b"0HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n",
            b"0HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\nContent-Length: 9\r\n\r\nfFfFfFfF\r\n",
        ];
        each(&samples, 20_000, response);
    }

    #[test]
    fn broken_streams_are_read() {
        let samples: [&[u8]; 3] = [
            b"\x03a\r\ndata: hi\n\n\r\n7\r\n: x\r\n\r\n\r\n8\r\ndata\r\rid\r\n0\r\nT: x\r\n\r\n",
            b"\x0110\r\n{\"a\": 1}\n{}\n\n{}\r\n5\r\n\r\n\n{}\r\n0\r\n\r\n",
            b"\x073;x=\"y\"\r\nabc\r\n00000001\r\nd\r\n",
        ];
        each(&samples, 20_000, stream);
    }

    #[test]
    fn broken_tables_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let samples: [&[u8]; 4] = [
            b"id,name\n1,a\n2,\"b,\"\"c\"\"\n\"\n3,\xc3\xa4 / ?\n",
            b"id\tname\n1\ta\n2\tb\n",
            b"{\"id\": 1, \"name\": \"a\\u00e4\\n\"}\n{\"name\": null, \"id\": [1, {\"x\": 2}]}\n",
            b"\xef\xbb\xbfid,name\r\n7,8\r\n",
        ];
        each(&samples, 3_000, |data| {
            table(data, &folder.path().join("values"))
        });
    }

    #[test]
    fn broken_texts_are_read() {
        let samples: [&[u8]; 7] = [
            b"sid=1; Path=/a; Max-Age=99999999999999999999; Secure\nb=2; Domain=.example.com; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
            b"https://shop.example.com/a/../b/./c?d=e#f\n//elsewhere/\n../../x\n?y",
            b"http://[::1]:80/a\nhttps://h/\nhttp://u@h",
            b"/items/{id}?q={{x}&r={random_int:1:9}{uuid}",
            b"json:/a/0/b\n{\"a\": [{\"b\": \"c\"}]}",
            b"regex:token=(\\w+)\ntoken=abc",
            b"header:Location\nHTTP/1.1 200 OK\r\nLocation: /x\r\n\r\n",
        ];
        each(&samples, 20_000, texts);
    }

    #[test]
    fn broken_histograms_are_read() {
        let mut made = Histogram::default();
        (1..5_000).for_each(|latency_us| made.record(latency_us * 7));
        each(
            &[&made.encode(), &Histogram::default().encode()],
            3_000,
            histogram,
        );
    }
}
