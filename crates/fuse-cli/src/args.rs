//! The command line as clap sees it. `-h` of each command begins with its examples.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use crate::{argv, number};

const EXAMPLES: &str = "\
Examples:
  fuse eval 'sqrt(x**2 + y**2)' x=x.npy y=y.npy -o r.npy
  fuse eval 'sum(x**2)/k' x=0:1:1001 k=2.5
  fuse bench '2*a + 3*b**2' a=f64:1e7 b=f64:1e7";

const EVAL_EXAMPLES: &str = "\
Examples:
  fuse eval 'sqrt(x**2 + y**2)' x=x.npy y=y.npy k=3.5 -o r.npy
  fuse eval 'sum(x**2)' x=x.npy
  fuse eval 'x - y' x=- y=0:1:1000 -o - < x.npy | fuse eval 'abs(d)' d=-";

const EVAL_BINDINGS: &str = "\
Bindings, NAME=VALUE, where VALUE is one of
  2.5  3  True        a scalar; a plain number does not widen the arrays it meets
  2.5f64  7i32        a scalar of that dtype
  'text'  b'bytes'    a text, a byte string; the shell wants quotes around these
  lo:hi:n             n equally spaced f64, both ends included
  -                   a .npy array on standard input
  a.npz:member        a member of an archive; a.npz alone if it has only one
  anything else       the path of a .npy file (./3.5 is a file)
An argument a.npz without NAME= stands for all members of the archive under their names.

Several results, `x + y, x - y`, take one -o each, in their order; all files appear, or none. Printed,
each stands under a line that begins with `#`.

Without -o, a scalar is printed with the shortest digits that read back exactly. An array is
printed as NumPy does on a terminal, and in full when piped: a vector one element a line, a matrix
one row a line with tabs between the elements.";

const CHECK_EXAMPLES: &str = "\
Examples:
  fuse check 'a*x + b' a=f32 x=f64 b=2.5
  fuse check 'sum(x) / 2' x=f64,f32,i32
  fuse check 'sqrt(a**2 + b**2)' f32";

const EXPLAIN_EXAMPLES: &str = "\
Examples:
  fuse explain 'x**5 + x' x=f64 --stage asm
  fuse explain 'x**5 + x' x=f64 --stage asm --isa avx2 --json
  fuse explain E0101";

const BENCH_EXAMPLES: &str = "\
Examples:
  fuse bench '2*a + 3*b**2' a=f64:1e7 b=f64:1e7
  fuse bench 'sqrt(x)' x=f32:1e7@0..1 -j 1,2
  fuse bench 'exp(x)' x=f32:1e8 --backend cuda --json";

const PLOT_EXAMPLES: &str = "\
Examples:
  fuse plot 'sin(x)/x' x=-20:20:2000
  fuse plot 'sin(x), cos(x)' x=0:6.28:500 --title waves -o waves.svg
  fuse plot 'a - b' a=a.npy b=b.npy --hist";

const PLOT_BINDINGS: &str = "\
Vectors are drawn as lines, a matrix as an image. Along the horizontal axis stands the formula's
variable, if only one is a vector and it is as long as the results; otherwise the index.

All points count, however many there are: each column of dots shows its least and greatest value.
NaNs are gaps, infinities are marked at the edge.";

const INFO_EXAMPLES: &str = "\
Examples:
  fuse info x.npy y.npy
  fuse info --functions sqrt
  fuse info --cpu --gpu";

const REPL_EXAMPLES: &str = "\
Examples:
  fuse repl
  fuse repl x=x.npy k=2.5
  echo 'sum(x**2)' | fuse repl x=x.npy";

const COMPLETIONS_EXAMPLES: &str = "\
Examples:
  source <(fuse completions bash)
  fuse completions zsh > ~/.zfunc/_fuse
  fuse completions fish > ~/.config/fish/completions/fuse.fish";

const MAN_EXAMPLES: &str = "\
Examples:
  fuse man | man -l -
  fuse man eval | man -l -
  fuse man --dir ~/.local/share/man/man1";

const EXPLAIN_CODES: &str = "\
`fuse explain E0101` explains an error code, `fuse explain E02` lists those that begin so, and
`fuse explain E` lists all.

";

const TYPE_BINDINGS: &str = "\
Bindings, NAME=VALUE, where VALUE is one of
  2.5  3  7i32         a scalar
  f64                  a vector of that dtype
  f64:1000x3  f32:1e7  an array of that dtype and shape; f64:() is a scalar
  f32:1e7@0..1         bench draws its elements uniformly from 0..1, not normally distributed
  anything else        the path of a .npy file, or lo:hi:n";

/// Evaluate array formulas: one fused, compiled loop over .npy files.
#[derive(Debug, Parser)]
#[command(name = "fuse", version, before_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Arguments {
    /// Colors in error messages; NO_COLOR switches them off too.
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto")]
    pub(crate) color: ColorChoice,

    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorChoice {
    Auto,
    Always,
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Evaluate a formula; print the result or write it to a file.
    #[command(before_help = EVAL_EXAMPLES, after_help = EVAL_BINDINGS)]
    Eval(EvalArgs),

    /// Check a formula's types without any data.
    #[command(before_help = CHECK_EXAMPLES, after_help = TYPE_BINDINGS)]
    Check(CheckArgs),

    /// Show what becomes of a formula, stage by stage; or explain an error code.
    #[command(before_help = EXPLAIN_EXAMPLES, after_help = format!("{EXPLAIN_CODES}{TYPE_BINDINGS}"))]
    Explain(ExplainArgs),

    /// Measure a formula, after checking its result.
    #[command(before_help = BENCH_EXAMPLES, after_help = TYPE_BINDINGS)]
    Bench(BenchArgs),

    /// Draw results in the terminal, or as an SVG file.
    #[command(before_help = PLOT_EXAMPLES, after_help = PLOT_BINDINGS)]
    Plot(PlotArgs),

    /// Describe .npy and .npz files, this machine, or the functions of formulas.
    #[command(before_help = INFO_EXAMPLES, arg_required_else_help = true)]
    Info(InfoArgs),

    /// Evaluate formulas interactively, or a script from standard input.
    #[command(before_help = REPL_EXAMPLES)]
    Repl(ReplArgs),

    /// Print the script that completes commands, options and names in a shell.
    #[command(before_help = COMPLETIONS_EXAMPLES)]
    Completions(CompletionsArgs),

    /// Print a manual page, or write all of them into a folder.
    #[command(before_help = MAN_EXAMPLES)]
    Man(ManArgs),
}

/// The formula and its variables, in every command that takes one.
#[derive(Debug, Args)]
pub(crate) struct FormulaArgs {
    /// The formula; it may begin with `-`.
    #[arg(value_parser = argv::formula_parser())]
    pub(crate) formula: Option<OsString>,

    /// Its variables, NAME=VALUE.
    #[arg(value_name = "NAME=VALUE", value_hint = ValueHint::AnyPath)]
    pub(crate) bindings: Vec<OsString>,

    /// Read the formula from a file; `-` is standard input, unless a variable is.
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) file: Option<PathBuf>,
}

/// How formulas are compiled and run.
#[derive(Clone, Debug, Args)]
pub(crate) struct EngineArgs {
    /// Only exact rewrites: round after every operation, as NumPy does.
    #[arg(long)]
    pub(crate) strict: bool,

    /// What compiles and runs; the results' bits do not depend on it [default: the fastest here].
    #[arg(long, value_name = "NAME")]
    pub(crate) backend: Option<BackendChoice>,

    /// The instruction set to compile for, on the CPU [default: native].
    #[arg(long, value_name = "NAME")]
    pub(crate) isa: Option<IsaChoice>,

    /// Which device, with `--backend cuda` [default: 0]; `fuse info --gpu` lists them.
    #[arg(long, value_name = "N")]
    pub(crate) device: Option<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BackendChoice {
    /// The interpreter: slow, takes everything.
    Interp,
    /// 128-bit vectors, on every CPU.
    Cranelift,
    /// AVX-512 or AVX2; Cranelift takes what it declines.
    X64,
    /// An NVIDIA GPU.
    Cuda,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum IsaChoice {
    /// No extensions: Cranelift.
    Sse2,
    /// 256-bit vectors: x64.
    Avx2,
    /// 512-bit vectors: x64.
    Avx512,
    /// All that this CPU has.
    Native,
}

/// How much is said on standard error.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct TalkArgs {
    /// Say nothing but errors.
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,

    /// Say what is done and how long it takes.
    #[arg(short, long)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Args)]
pub(crate) struct EvalArgs {
    #[command(flatten)]
    pub(crate) formula: FormulaArgs,

    /// Write the result to this .npy file; `-` is standard output. Once for each result, in order; or once
    /// for all, to an archive `r.npz`.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Vec<PathBuf>,

    /// Replace files that exist.
    #[arg(long)]
    pub(crate) force: bool,

    /// Convert the result to this dtype.
    #[arg(long, value_name = "DTYPE")]
    pub(crate) dtype: Option<String>,

    /// How arrays are printed.
    #[arg(long, value_name = "FORMAT", conflicts_with = "output")]
    pub(crate) format: Option<Format>,

    /// Number of threads [default: all that this process may use].
    #[arg(short = 'j', long, value_name = "N", value_parser = thread_count)]
    pub(crate) threads: Option<usize>,

    /// Memory for files and results: 256M, 1.5G; what is larger goes through in windows.
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = number::parse_size)]
    pub(crate) mem: usize,

    /// Read input files instead of mapping them into memory: slower, and safe if others change them.
    #[arg(long)]
    pub(crate) no_mmap: bool,

    /// Compare with the interpreter, bit for bit, before results are given out (streams and long text: as they
    /// pass): 65536 elements all over what an elementwise formula gave; of others all, or a sample where inputs
    /// are large.
    #[arg(long)]
    pub(crate) verify: bool,

    /// Say what would be read and written, and do nothing.
    #[arg(long)]
    pub(crate) dry_run: bool,

    #[command(flatten)]
    pub(crate) engine: EngineArgs,

    #[command(flatten)]
    pub(crate) talk: TalkArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Numpy,
    Tsv,
    Csv,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    #[command(flatten)]
    pub(crate) formula: FormulaArgs,

    /// Only exact rewrites: round after every operation, as NumPy does.
    #[arg(long)]
    pub(crate) strict: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    #[command(flatten)]
    pub(crate) formula: FormulaArgs,

    /// The stage to show, and nothing else.
    #[arg(long, value_name = "STAGE", default_value = "all")]
    pub(crate) stage: StageChoice,

    /// As JSON: with `--stage kernel` counts of the kernel, with `--stage asm` what its machine code takes.
    #[arg(long)]
    pub(crate) json: bool,

    /// Compile for another machine: `cuda:sm_80`, any number from 70 on, for the stage `ptx`.
    #[arg(long, value_name = "TARGET")]
    pub(crate) target: Option<String>,

    /// Number of threads; no stage depends on it.
    #[arg(short = 'j', long, value_name = "N", value_parser = thread_count, hide = true)]
    pub(crate) threads: Option<usize>,

    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StageChoice {
    Ast,
    Graph,
    Opt,
    Kernel,
    /// Cranelift's intermediate form, also of kernels that x64 takes.
    Clif,
    /// Machine code of the back end that takes the kernel; a comment says who declined it.
    Asm,
    Ptx,
    All,
}

#[derive(Debug, Args)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) formula: FormulaArgs,

    /// Numbers of threads, one measurement each [default: all that this process may use].
    #[arg(short = 'j', long, value_name = "N,…", value_delimiter = ',', value_parser = thread_count)]
    pub(crate) threads: Vec<usize>,

    /// Allocate a new array for each result, instead of writing into an existing one.
    #[arg(long)]
    pub(crate) alloc: bool,

    /// Print JSON: an array with one object for each number of threads.
    #[arg(long)]
    pub(crate) json: bool,

    /// Read input files instead of mapping them into memory.
    #[arg(long)]
    pub(crate) no_mmap: bool,

    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PlotArgs {
    #[command(flatten)]
    pub(crate) formula: FormulaArgs,

    /// Write the picture to this .svg file; `-` is standard output.
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,

    /// Replace a file that exists.
    #[arg(long)]
    pub(crate) force: bool,

    /// Draw a histogram of all elements.
    #[arg(long)]
    pub(crate) hist: bool,

    /// Text above the picture [default: the formula, if it has one result].
    #[arg(long, value_name = "TEXT")]
    pub(crate) title: Option<String>,

    /// Width in cells, with -o in pixels [default: the terminal's, 800].
    #[arg(long, value_name = "N")]
    pub(crate) width: Option<usize>,

    /// Height in cells, with -o in pixels [default: the terminal's, 500].
    #[arg(long, value_name = "N")]
    pub(crate) height: Option<usize>,

    /// Draw with ASCII characters only.
    #[arg(long, conflicts_with = "output")]
    pub(crate) ascii: bool,

    /// Number of threads [default: all that this process may use].
    #[arg(short = 'j', long, value_name = "N", value_parser = thread_count)]
    pub(crate) threads: Option<usize>,

    /// Read input files instead of mapping them into memory.
    #[arg(long)]
    pub(crate) no_mmap: bool,

    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    /// Files to describe.
    #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,

    /// List the functions of formulas, or describe one.
    #[arg(long, value_name = "NAME", num_args = 0..=1, conflicts_with = "files")]
    pub(crate) functions: Option<Option<String>>,

    /// Describe this machine as fuse sees it.
    #[arg(long, conflicts_with = "files")]
    pub(crate) cpu: bool,

    /// List the NVIDIA GPUs of this machine.
    #[arg(long, conflicts_with_all = ["files", "json"])]
    pub(crate) gpu: bool,

    /// As JSON: an array with one object for each array in the files, or for each function; with
    /// --cpu one object.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct ReplArgs {
    /// Variables to begin with, as in `fuse eval`.
    #[arg(value_name = "NAME=VALUE", value_hint = ValueHint::AnyPath)]
    pub(crate) bindings: Vec<OsString>,

    /// Number of threads [default: all that this process may use].
    #[arg(short = 'j', long, value_name = "N", value_parser = thread_count)]
    pub(crate) threads: Option<usize>,

    /// Read input files instead of mapping them into memory.
    #[arg(long)]
    pub(crate) no_mmap: bool,

    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    #[arg(value_name = "SHELL")]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// The command that the page is about [default: fuse itself].
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub(crate) command: Option<String>,

    /// Write the pages of all commands into this folder.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub(crate) dir: Option<PathBuf>,

    /// Replace pages that exist.
    #[arg(long, requires = "dir")]
    pub(crate) force: bool,
}

/// Most threads that can be asked for.
const MAX_THREADS: usize = 1024;

/// Reads a number of threads.
pub(crate) fn thread_count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(threads) if (1..=MAX_THREADS).contains(&threads) => Ok(threads),
        _ => Err(format!("expected a number from 1 to {MAX_THREADS}")),
    }
}
