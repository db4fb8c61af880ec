//! `:set`: what a session can change about how it works. One table serves `:set`, its completion and help.

use fuse::{Color, Engine, PrintOptions};

use super::session::Session;
use crate::args::{EngineArgs, Format, thread_count};
use crate::engine;
use crate::failure::Failure;

/// How a session works.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) engine: EngineArgs,
    /// 0 for all.
    pub(super) threads: usize,
    pub(super) format: Format,
    /// Of NumPy's format.
    pub(super) print: PrintOptions,
    /// Of error messages.
    pub(super) color: Color,
}

impl Settings {
    /// The engine that they ask for.
    pub(super) fn engine(&self) -> Result<Engine, Failure> {
        engine::build(&self.engine, self.threads)
    }
}

/// One setting.
pub(super) struct Setting {
    pub(super) name: &'static str,
    /// What it can be, as help shows it.
    pub(super) values: &'static str,
    /// Values that completion offers.
    pub(super) choices: &'static [&'static str],
    pub(super) help: &'static str,
    show: fn(&Session) -> String,
    change: fn(&mut Settings, &str) -> Result<(), String>,
}

/// All settings.
pub(super) const SETTINGS: &[Setting] = &[
    Setting {
        name: "strict",
        values: "on|off",
        choices: &["on", "off"],
        help: "round after every operation, as NumPy does",
        show: |session| (if session.settings.engine.strict { "on" } else { "off" }).to_string(),
        change: |settings, value| {
            settings.engine.strict = switch(value)?;
            Ok(())
        },
    },
    Setting {
        name: "threads",
        values: "N|all",
        choices: &["all", "1"],
        help: "how many threads evaluate",
        show: |session| match session.settings.threads {
            0 => format!("all ({})", session.engine.threads()),
            threads => threads.to_string(),
        },
        change: |settings, value| {
            settings.threads = if value == "all" { 0 } else { thread_count(value)? };
            Ok(())
        },
    },
    Setting {
        name: "precision",
        values: "N",
        choices: &["8", "17"],
        help: "most digits behind the point, in printed arrays",
        show: |session| session.settings.print.precision.to_string(),
        change: |settings, value| {
            settings.print.precision = digits(value)?;
            Ok(())
        },
    },
];

/// Most digits that any element has behind its point: those of the least f64.
const MOST_DIGITS: usize = 1074;

fn digits(value: &str) -> Result<usize, String> {
    match value.parse() {
        Ok(digits) if digits <= MOST_DIGITS => Ok(digits),
        _ => Err(format!("expected a number from 0 to {MOST_DIGITS}")),
    }
}

fn switch(value: &str) -> Result<bool, String> {
    match value {
        "on" | "true" | "1" => Ok(true),
        "off" | "false" | "0" => Ok(false),
        _ => Err("expected on or off".to_string()),
    }
}

/// `:set`, `:set NAME`, `:set NAME VALUE`; what is to be shown.
pub(super) fn set(session: &mut Session, arguments: &str) -> Result<String, Failure> {
    let (name, value) = arguments.split_once([' ', '\t', '=']).unwrap_or((arguments, ""));
    if name.is_empty() {
        return Ok(SETTINGS.iter().map(|setting| line(setting, session)).collect());
    }
    let Some(setting) = SETTINGS.iter().find(|setting| setting.name == name) else {
        return Err(unknown(name));
    };
    let value = value.trim();
    if value.is_empty() {
        return Ok(line(setting, session));
    }
    let mut changed = session.settings.clone();
    (setting.change)(&mut changed, value)
        .map_err(|message| Failure::Usage(format!(":set {name}: {message}")))?;
    session.engine = changed.engine()?;
    session.settings = changed;
    Ok(String::new())
}

fn line(setting: &Setting, session: &Session) -> String {
    let shown = format!("{} {}", setting.name, (setting.show)(session));
    format!("{shown:16}  {}\n", setting.help)
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = SETTINGS.iter().map(|setting| setting.name).collect();
    let hint = match fuse::raw::nearest(name, names.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("there are {}", names.join(", ")),
    };
    Failure::Usage(format!("unknown setting `{}`; {hint}", name.escape_debug()))
}
