//! Modules point down only: none is reached from what it uses itself. Tests within modules may look anywhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use regex::Regex;

/// A module's path below the crate: `["swarm", "protocol", "http1"]`.
type Module = Vec<String>;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("the sources are beside the test") {
        let path = entry.expect("a folder can be listed").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

fn module_of(root: &Path, file: &Path) -> Module {
    let mut module: Module = file
        .strip_prefix(root)
        .expect("it is below the root")
        .with_extension("")
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    if module
        .last()
        .is_some_and(|last| last == "mod" || last == "lib")
    {
        module.pop();
    }
    module
}

/// The paths that a text uses: `super::a::b` and `use crate::x::{a, b::c}`, each written out.
fn paths(text: &str) -> Vec<Vec<String>> {
    let start =
        Regex::new(r"\b(?:crate|super)(?:::(?:super|[a-z_0-9]+))*(?:::\{[^;]*?\}|::[A-Z*]\w*)?")
            .expect("the pattern is one");
    let name = Regex::new(r"\w+(?:::\w+)*").expect("the pattern is one");
    let mut found = Vec::new();
    for hit in start.find_iter(text) {
        let (base, group) = hit.as_str().split_once("::{").unwrap_or((hit.as_str(), ""));
        let base: Vec<String> = base.split("::").map(str::to_owned).collect();
        for inner in name.find_iter(group) {
            let mut path = base.clone();
            path.extend(inner.as_str().split("::").map(str::to_owned));
            found.push(path);
        }
        if group.is_empty() {
            found.push(base);
        }
    }
    found
}

/// The module that a path leads to, from `module`: the longest part of it that is one.
fn target(module: &Module, path: &[String], all: &BTreeSet<Module>) -> Option<Module> {
    let mut at = module.clone();
    for part in path {
        match part.as_str() {
            "crate" => at.clear(),
            "super" => drop(at.pop()),
            other => {
                at.push(other.to_owned());
                if !all.contains(&at) {
                    at.pop();
                    break;
                }
            }
        }
    }
    (at != *module && !at.is_empty()).then_some(at)
}

fn uses() -> BTreeMap<Module, BTreeSet<Module>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let all: BTreeSet<Module> = files.iter().map(|file| module_of(&root, file)).collect();
    let visibility = Regex::new(r"pub\([^)]*\)").expect("the pattern is one");
    let mut uses = BTreeMap::new();
    for file in files {
        let module = module_of(&root, &file);
        let text = fs::read_to_string(&file).expect("a source can be read");
        let code: String = text
            .split("#[cfg(test)]\nmod tests")
            .next()
            .unwrap_or_default()
            .lines()
            .filter(|line| !line.trim_start().starts_with("//"))
            // Where something may be seen from is not what it uses.
            .map(|line| visibility.replace_all(line, "pub") + "\n")
            .collect();
        let mut below: BTreeSet<Module> = paths(&code)
            .iter()
            .filter_map(|path| target(&module, path, &all))
            .collect();
        // A folder's own module has what is in the folder.
        below.extend(
            all.iter()
                .filter(|child| child.len() == module.len() + 1 && child.starts_with(&module))
                .cloned(),
        );
        uses.insert(module, below);
    }
    uses
}

/// A circle that begins and ends at `path`'s first module, if there is one.
fn circle(
    uses: &BTreeMap<Module, BTreeSet<Module>>,
    path: &mut Vec<Module>,
    seen: &mut BTreeSet<Module>,
) -> bool {
    let last = path.last().expect("a path has a beginning").clone();
    for next in &uses[&last] {
        if *next == path[0] {
            return true;
        }
        if seen.insert(next.clone()) {
            path.push(next.clone());
            if circle(uses, path, seen) {
                return true;
            }
            path.pop();
        }
    }
    false
}

#[test]
fn no_module_is_reached_from_what_it_uses() {
    let uses = uses();
    assert!(uses.len() > 40, "the sources were found: {}", uses.len());
    let engine = vec!["swarm".to_owned(), "engine".to_owned()];
    assert!(uses[&engine].contains(&vec!["swarm".to_owned(), "worker".to_owned()]));
    for module in uses.keys() {
        let mut path = vec![module.clone()];
        if circle(&uses, &mut path, &mut BTreeSet::new()) {
            let names: Vec<String> = path.iter().map(|module| module.join("::")).collect();
            panic!("modules in a circle: {}", names.join(" → "));
        }
    }
}

#[test]
fn stacks_has_its_layers_and_swarm_knows_nothing_of_stacks() {
    let allowed: &[(&str, &[&str])] = &[
        ("stacks::model", &["stacks::model", "stacks::error"]),
        (
            "stacks::read",
            &["stacks::read", "stacks::model", "stacks::error"],
        ),
        ("stacks::clean", &["stacks::clean", "stacks::model"]),
        (
            "stacks::write",
            &["stacks::write", "stacks::model", "stacks::error"],
        ),
        ("stacks", &["stacks"]),
        ("swarm", &["swarm"]),
    ];
    for (module, below) in uses() {
        let module = module.join("::");
        for (layer, targets) in allowed {
            if module == *layer || module.starts_with(&format!("{layer}::")) {
                for used in &below {
                    let used = used.join("::");
                    assert!(
                        targets
                            .iter()
                            .any(|target| used == *target
                                || used.starts_with(&format!("{target}::"))),
                        "{module} uses {used}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_interpreter_is_left_by_one_door_only() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let leaving: Vec<Module> = files
        .iter()
        .filter(|file| {
            let text = fs::read_to_string(file).expect("a source can be read");
            text.contains(".detach(") || text.contains(".allow_threads(")
        })
        .map(|file| module_of(&root, file))
        .collect();
    assert_eq!(leaving, [["python", "detach"]]);
}
