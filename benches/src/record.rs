//! Where figures come from, what is wanted of them, and how they are kept: tables in Markdown, a record that
//! holds every round, and the parts of docs/performance.md between marks.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value, json};

use crate::race::Times;

/// A bound, and what was measured against it.
pub struct Check {
    /// The row's text.
    pub what: String,
    /// How the figure must lie to the bound.
    pub sense: Sense,
    /// The bound.
    pub bound: f64,
    /// The figure; none where a contender declined the work.
    pub measured: Option<f64>,
    /// The figures behind it.
    pub detail: String,
}

/// How a figure must lie to its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sense {
    /// Below it.
    Below,
    /// At most.
    AtMost,
    /// At least.
    AtLeast,
}

impl Sense {
    fn sign(self) -> &'static str {
        match self {
            Sense::Below => "<",
            Sense::AtMost => "≤",
            Sense::AtLeast => "≥",
        }
    }

    fn holds(self, measured: f64, bound: f64) -> bool {
        match self {
            Sense::Below => measured < bound,
            Sense::AtMost => measured <= bound,
            Sense::AtLeast => measured >= bound,
        }
    }
}

impl Check {
    /// `PASS`, `missed` or `declined`.
    pub fn verdict(&self) -> &'static str {
        match self.measured {
            None => DECLINED,
            Some(measured) if self.sense.holds(measured, self.bound) => "PASS",
            Some(_) => "**missed**",
        }
    }
}

/// What stands where a back end took no kernel.
pub const DECLINED: &str = "declined";

/// Target beside measured.
pub fn checks(all: &[Check]) -> String {
    let mut text = String::from("| | target | measured | | figures |\n|---|---|---|---|---|");
    for check in all {
        let Check { what, sense, bound, detail, .. } = check;
        let (sign, measured) = (sense.sign(), figure(check.measured));
        let verdict = check.verdict();
        let _ = write!(text, "\n| {what} | {sign} {bound} | {measured} | {verdict} | {detail} |");
    }
    text
}

/// Three significant digits, or that there is no figure.
pub fn figure(value: Option<f64>) -> String {
    let Some(value) = value else { return DECLINED.to_string() };
    let digits = 2 - value.abs().max(1e-9).log10().floor() as i32;
    format!("{value:.*}", usize::try_from(digits.clamp(0, 6)).unwrap_or(0))
}

/// What the figures depend on, relative to this package.
const SOURCES: &[&str] = &["../crates", "../Cargo.lock", "src", "examples", "peers/svml"];

/// A measurement with all that is needed to read it later.
pub struct Record {
    name: &'static str,
    fields: Map<String, Value>,
    rows: Vec<Value>,
}

impl Record {
    /// Begins one; `command` repeats it.
    pub fn begin(name: &'static str, command: &str) -> Record {
        let changed =
            !git(&[&["status", "--porcelain", "--untracked-files=no", "--"], SOURCES].concat())
                .is_empty();
        let commit = git(&["rev-parse", "--short", "HEAD"]) + if changed { "+changes" } else { "" };
        let mut fields = Map::new();
        fields.insert("date".into(), said("date", &["-u", "+%F"]).into());
        fields.insert("commit".into(), commit.into());
        fields.insert("command".into(), command.into());
        fields.insert("machine".into(), machine().into());
        fields.insert("load".into(), json!([load()]));
        Record { name, fields, rows: Vec::new() }
    }

    /// A fact about the whole.
    pub fn note(&mut self, key: &str, value: impl Into<Value>) {
        self.fields.insert(key.into(), value.into());
    }

    /// A row's rounds, in nanoseconds a call.
    pub fn row(&mut self, name: &str, elements: usize, times: &Times) {
        let rounded = |rounds: &Vec<f64>| -> Vec<f64> {
            rounds.iter().map(|time| (time * 10.0).round() / 10.0).collect()
        };
        let rounds =
            times.0.iter().map(|(contender, all)| (contender.clone(), rounded(all).into()));
        let rounds: Map<String, Value> = rounds.collect();
        self.rows.push(json!({ "name": name, "elements": elements, "times": rounds }));
    }

    /// Ends it: the load of the machine by then.
    pub fn end(&mut self) {
        if let Some(Value::Array(loads)) = self.fields.get_mut("load") {
            loads.push(load().into());
        }
    }

    /// Where the figures come from, as a list.
    pub fn origin(&self) -> String {
        let text = |key: &str| self.fields.get(key).and_then(Value::as_str).unwrap_or("?");
        let load = &self.fields["load"];
        format!(
            "* Machine: {}.\n* fuse at commit `{}`; `{}` on {}; load of the machine before and after: \
             {load}, of which the measurement itself is about 1.",
            text("machine"),
            text("commit"),
            text("command"),
            text("date"),
        )
    }

    /// Writes the rounds and the tables under benches/peers/record; gives the name of the file.
    ///
    /// # Errors
    /// Where a file cannot be written.
    pub fn store(&self, tables: &str) -> std::io::Result<String> {
        let text = |key: &str| self.fields[key].as_str().unwrap_or("?");
        let name = format!("{}-{}-{}", text("date"), text("commit"), self.name);
        let folder = root().join("benches/peers/record");
        let mut whole = self.fields.clone();
        whole.insert("rows".into(), self.rows.clone().into());
        std::fs::write(folder.join(format!("{name}.json")), format!("{}\n", Value::Object(whole)))?;
        let page = format!("# {}, {}\n\n{}\n\n{tables}\n", self.name, text("date"), self.origin());
        std::fs::write(folder.join(format!("{name}.md")), page)?;
        Ok(format!("{name}.json"))
    }

    /// Rewrites this record's part of docs/performance.md.
    ///
    /// # Errors
    /// Where the page cannot be read or written, or has no place for it.
    pub fn publish(&self, tables: &str, stored: &str) -> std::io::Result<()> {
        let page = root().join("docs/performance.md");
        let content = format!(
            "{}\n* Every round: [benches/peers/record/{stored}](../benches/peers/record/{stored}).\n\n{tables}",
            self.origin(),
        );
        let text = std::fs::read_to_string(&page)?;
        let missing = || std::io::Error::other(format!("no place for `{}` in the page", self.name));
        let replaced = replace_part(&text, self.name, &content).ok_or_else(missing)?;
        std::fs::write(page, replaced)
    }
}

/// The page with another content between the part's marks; none where they are missing.
fn replace_part(page: &str, name: &str, content: &str) -> Option<String> {
    let mark = format!("<!-- {name}: generated -->\n");
    let start = page.find(&mark)? + mark.len();
    let end = start + page[start..].find("\n<!-- end -->")?;
    Some(format!("{}{content}{}", &page[..start], &page[end..]))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn git(words: &[&str]) -> String {
    said("git", &[&["-C", env!("CARGO_MANIFEST_DIR")], words].concat())
}

/// What a command says on one line; `?` where it cannot be run.
fn said(command: &str, words: &[&str]) -> String {
    let output = Command::new(command).args(words).output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_string());
    text.unwrap_or_else(|_| "?".to_string())
}

/// Processor, caches and number of threads, in words.
fn machine() -> String {
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let info = read("/proc/cpuinfo");
    let field = |name: &str| {
        let line = info.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_once(':')).map_or("?", |(_, value)| value.trim())
    };
    let cache = |index: u32| {
        let size = read(&format!("/sys/devices/system/cpu/cpu0/cache/index{index}/size"));
        if size.is_empty() { "?".to_string() } else { size.trim().to_string() }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let (model, family, number) = (field("model name"), field("cpu family"), field("model\t"));
    let (l1, l2) = (cache(0), cache(2));
    format!("{model} (family {family}, model {number}), {cores} cores, L1 {l1}, L2 {l2} a core")
}

/// The machine's load of the last minute.
fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|load| load.parse().ok()).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let shown = [0.0123_f64, 0.98765, 12.345, 1234.5].map(|value| figure(Some(value)));
        assert_eq!(shown, ["0.0123", "0.988", "12.3", "1234"]);
        assert_eq!(figure(None), DECLINED);
    }

    #[test]
    fn a_part_is_replaced_between_its_marks() {
        let page = "a\n<!-- one: generated -->\nold\n<!-- end -->\nb\n";
        let new = replace_part(page, "one", "new").expect("there is such a part");
        assert_eq!(new, "a\n<!-- one: generated -->\nnew\n<!-- end -->\nb\n");
        assert_eq!(replace_part(page, "two", "new"), None);
    }

    #[test]
    fn the_page_has_a_place_for_each_program() {
        let page = std::fs::read_to_string(root().join("docs/performance.md")).expect("the page");
        for name in ["wide", "svml"] {
            assert!(replace_part(&page, name, "").is_some(), "{name}");
        }
    }
}
