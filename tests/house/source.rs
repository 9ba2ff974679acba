//! Source files as the rules see them: without comments, without test modules.

use std::path::{Path, PathBuf};

/// A file of the package, by its path from the package's root.
pub struct SourceFile {
    pub path: String,
    pub text: String,
}

/// All Rust files under a folder of the repository, in order of their paths.
pub fn files_under(folder: &str) -> Vec<SourceFile> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut waiting: Vec<PathBuf> = vec![root.join(folder)];
    let mut files = Vec::new();
    while let Some(next) = waiting.pop() {
        let entries = std::fs::read_dir(&next).unwrap_or_else(|error| panic!("{}: {error}", next.display()));
        for entry in entries {
            let path = entry.expect("an entry of a folder").path();
            if path.is_dir() {
                waiting.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("source is UTF-8");
                let shown = path.strip_prefix(root).expect("it was found under the root");
                files.push(SourceFile { path: shown.to_string_lossy().into_owned(), text });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!files.is_empty(), "no source under {folder}");
    files
}

impl SourceFile {
    /// Whether the whole file is a test's.
    pub fn is_test(&self) -> bool {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name == "tests.rs" || name.ends_with("_tests.rs") || self.path.contains("/tests/")
    }

    /// The program in it: no comments, nothing from its test module on, which stands last.
    pub fn program(&self) -> String {
        let lines = self.text.lines().map(|line| match line.trim_start().starts_with("//") {
            true => "",
            false => line.split(" // ").next().unwrap_or_default(),
        });
        let program: Vec<&str> = lines.take_while(|line| line.trim() != "#[cfg(test)]").collect();
        program.join("\n")
    }
}

/// Every path that the `use` lines of a program name, groups spelled out.
pub fn used_paths(program: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut statement = String::new();
    for line in program.lines().map(str::trim) {
        if statement.is_empty() && !is_use(line) {
            continue;
        }
        statement.push_str(line);
        statement.push(' ');
        if line.ends_with(';') {
            let tree = statement.split_once("use ").map_or("", |(_, tree)| tree);
            expand("", tree.trim().trim_end_matches(';'), &mut paths);
            statement.clear();
        }
    }
    paths
}

fn is_use(line: &str) -> bool {
    let visible = line.strip_prefix("pub").map_or(line, |rest| {
        rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest)
    });
    visible.trim_start().starts_with("use ")
}

fn expand(prefix: &str, tree: &str, paths: &mut Vec<String>) {
    let Some((before, group)) = tree.split_once('{') else {
        let path = tree.split(" as ").next().unwrap_or_default().trim();
        paths.push(format!("{prefix}{path}"));
        return;
    };
    let group = group.trim_end().strip_suffix('}').unwrap_or(group);
    let prefix = format!("{prefix}{}", before.trim());
    let (mut depth, mut begin) = (0_usize, 0);
    for (at, character) in group.char_indices() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                expand(&prefix, group[begin..at].trim(), paths);
                begin = at + 1;
            }
            _ => {}
        }
    }
    let last = group[begin..].trim();
    if !last.is_empty() {
        expand(&prefix, last, paths);
    }
}

#[test]
fn use_lines_are_read_with_their_groups_over_several_lines() {
    let program = "use a::b;\npub(crate) use c::{d, e::{f,\n g as h}};\nfn use_it() {}\n";
    assert_eq!(used_paths(program), ["a::b", "c::d", "c::e::f", "c::e::g"]);
}
