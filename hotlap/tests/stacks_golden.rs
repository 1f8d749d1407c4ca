//! Real recordings, cleaned: what comes out is in files beside them.
//!
//! `HOTLAP_GOLDEN=write cargo test --test stacks_golden` writes those files anew; look at the difference before
//! committing it.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::BufReader;
use std::path::PathBuf;

use hotlap_engine::stacks::{
    Around, Clean, Labels, Stacks, Weight, clean, diff, read_collapsed, read_offcpu, read_perf, svg,
};

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "tests", "stacks"]
        .iter()
        .collect()
}

fn open(name: &str) -> BufReader<File> {
    BufReader::new(File::open(folder().join(name)).expect("the recording is beside the test"))
}

/// Compare with the golden file, or write it.
fn golden(name: &str, found: &str) {
    let path = folder().join(name);
    if std::env::var("HOTLAP_GOLDEN").is_ok_and(|mode| mode == "write") {
        fs::write(&path, found).expect("the golden file can be written");
        return;
    }
    let expected =
        fs::read_to_string(&path).expect("the golden file is there: HOTLAP_GOLDEN=write makes it");
    assert!(
        found == expected,
        "{name} differs; HOTLAP_GOLDEN=write shows how, by git diff"
    );
}

/// The stacks with what a reader sees of their frames.
fn text(stacks: &Stacks) -> String {
    let mut out = Vec::new();
    stacks.write_collapsed(&mut out).expect("memory takes all");
    let mut out = String::from_utf8(out).expect("all text is UTF-8");
    let _ = writeln!(
        out,
        "# total {}, waiting {}",
        stacks.total(),
        stacks.waiting
    );
    let mut heavy = stacks.top(usize::MAX);
    heavy.sort_by(|a, b| a.frame.text.cmp(&b.frame.text));
    for frame in heavy.iter().map(|heavy| heavy.frame) {
        let _ = writeln!(
            out,
            "# {} {} | {} | {}",
            frame.kind,
            frame.text,
            frame.location.as_deref().unwrap_or("-"),
            frame.full.as_deref().unwrap_or("-")
        );
    }
    out
}

fn on_cpu() -> Clean {
    Clean {
        drop_waiting: false,
        ..Clean::default()
    }
}

#[test]
fn py_spy_on_the_service() {
    let raw = read_collapsed(open("pyspy_service.txt")).unwrap();
    assert_eq!(raw.skipped.total(), 0);
    let cleaned = clean(&raw, &Clean::default());
    assert_eq!(cleaned.total() + cleaned.waiting, raw.total());
    golden("pyspy_service.golden", &text(&cleaned));
}

#[test]
fn py_spy_on_an_app_with_a_stripped_library() {
    let raw = read_collapsed(open("pyspy_asgi.txt")).unwrap();
    let cleaned = clean(&raw, &Clean::default());
    assert_eq!(cleaned.total() + cleaned.waiting, raw.total());
    golden("pyspy_asgi.golden", &text(&cleaned));
}

#[test]
fn perf_on_the_service() {
    let raw = read_perf(open("perf_oncpu.txt"), Weight::Sample, None).unwrap();
    assert_eq!(raw.skipped.total(), 0);
    golden("perf_oncpu.golden", &text(&clean(&raw, &on_cpu())));
}

#[test]
fn perf_with_the_interpreters_support() {
    let raw = read_perf(open("perf_python312.txt"), Weight::Sample, None).unwrap();
    golden("perf_python312.golden", &text(&clean(&raw, &on_cpu())));
}

#[test]
fn the_schedulers_events() {
    let off = read_offcpu(open("perf_sched.txt"), &Around::default()).unwrap();
    let found = format!(
        "switches {}, unpaired {}, span {} µs\nwaiting\n{}runnable\n{}",
        off.switches,
        off.unpaired,
        off.span_us,
        text(&clean(&off.waiting, &on_cpu())),
        text(&clean(&off.runnable, &on_cpu())),
    );
    golden("perf_sched.golden", &found);
}

#[test]
fn clean_stacks_stay_as_they_are() {
    for name in ["pyspy_service.txt", "pyspy_asgi.txt"] {
        let once = clean(&read_collapsed(open(name)).unwrap(), &Clean::default());
        let mut written = Vec::new();
        once.write_collapsed(&mut written).unwrap();
        let mut again = Vec::new();
        clean(&read_collapsed(&written[..]).unwrap(), &Clean::default())
            .write_collapsed(&mut again)
            .unwrap();
        assert_eq!(
            String::from_utf8(written),
            String::from_utf8(again),
            "{name}"
        );
    }
}

#[test]
fn graphs() {
    let service = clean(
        &read_collapsed(open("pyspy_service.txt")).unwrap(),
        &Clean::default(),
    );
    let app = clean(
        &read_collapsed(open("pyspy_asgi.txt")).unwrap(),
        &Clean::default(),
    );
    let labels = Labels {
        title: "cpualloc/native <&>".into(),
        subtitle: Some("on-cpu by py-spy".into()),
        unit: "samples".into(),
        standalone: true,
    };
    golden("pyspy_service.svg", &svg(&service, &labels).unwrap());
    let both = diff(&app, &service, None, ("app", "service")).unwrap();
    golden(
        "diff.svg",
        &both
            .svg(&Labels {
                standalone: false,
                ..labels
            })
            .unwrap(),
    );
}
