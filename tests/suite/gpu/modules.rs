//! The texts of formulas' modules.

use std::path::{Path, PathBuf};

use fuse_compile::{Options, compile, variable};
use fuse_ir::device::ModuleOptions;
use fuse_ir::{DType, InputType, Program, Strength};
use fuse_ops::FORMS;
use fuse_ops::table::{Row, Syntax, TABLE};
use fuse_syntax::SyntaxLimits;
use fuse_testkit::ptx::scan;
use serde::Deserialize;

/// A formula with the types of its variables: `x=f64 m=f32:2 k=f64:0`, of rank 1 unless it says.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Shape {
    pub(crate) name: String,
    pub(crate) formula: String,
    pub(crate) variables: String,
    /// Most registers of a thread in any entry.
    pub(crate) registers: Option<u32>,
}

impl Shape {
    fn new(formula: &str, variables: String) -> Shape {
        let name = format!("{formula} {variables}");
        Shape { name, formula: formula.to_string(), variables, registers: None }
    }

    /// The program, if the types fit the formula.
    pub(crate) fn program(&self) -> Option<Program> {
        let ast = fuse_syntax::parse(&self.formula, &SyntaxLimits::default()).expect("a formula");
        let pairs = self.variables.split_whitespace().map(|pair| {
            let (name, ty) = pair.split_once('=').expect("NAME=TYPE");
            variable(name, input_type(ty))
        });
        let variables: Vec<_> = pairs.collect();
        compile(&ast, &variables, Options::default()).ok().map(|compiled| compiled.program)
    }

    /// The module's text, if the types fit the formula.
    pub(crate) fn text(&self) -> Option<String> {
        self.text_with(ModuleOptions::default())
    }

    /// The same for other modules of the formula.
    pub(crate) fn text_with(&self, options: ModuleOptions) -> Option<String> {
        let text = fuse_ptx::emit(&self.program()?, options).expect("few operands");
        scan(&text).expect("roundings are written, nothing is approximate");
        Some(text)
    }
}

/// `f64`, `f64:2`: a dtype and a rank.
fn input_type(text: &str) -> InputType {
    let (dtype, rank) = text.split_once(':').unwrap_or((text, "1"));
    let dtype = DType::from_name(dtype).expect("a dtype");
    match rank.parse().expect("a rank") {
        0 => InputType::scalar(dtype, Strength::Strong),
        rank => InputType::array(dtype, &vec![5; rank]),
    }
}

/// Where the committed texts lie.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("gpu")
}

/// The canonical formulas.
pub(crate) fn canonical() -> Vec<Shape> {
    #[derive(Deserialize)]
    struct File {
        shape: Vec<Shape>,
    }
    let text = std::fs::read_to_string(folder().join("canonical.toml")).expect("it is committed");
    toml::from_str::<File>(&text).expect("valid TOML").shape
}

/// Every operator, function and reduction on arrays of these dtypes, where it takes them.
pub(crate) fn rows(dtypes: &[&str]) -> Vec<Shape> {
    let rows = TABLE.iter().filter(|row| row.syntax != Syntax::Internal);
    let formulas = rows.map(|row| (written(row), row.arity));
    let forms = FORMS.iter().map(|form| (call(form.name, form.arity), form.arity));
    let mut shapes = Vec::new();
    for (formula, arity) in formulas.chain(forms) {
        let before = shapes.len();
        for dtype in dtypes {
            let variables = ["a", "b", "c"][..arity].iter().map(|name| format!("{name}={dtype}"));
            let shape = Shape::new(&formula, variables.collect::<Vec<_>>().join(" "));
            if shape.program().is_some() {
                shapes.push(shape);
            }
        }
        assert!(shapes.len() > before, "{formula} takes none of {dtypes:?}");
    }
    shapes
}

fn written(row: &Row) -> String {
    match row.syntax {
        Syntax::Infix(symbol) => format!("a {symbol} b"),
        Syntax::Prefix(symbol) => format!("{symbol} a"),
        Syntax::Function | Syntax::Internal => call(row.name, row.arity),
    }
}

fn call(name: &str, arity: usize) -> String {
    format!("{name}({})", ["a", "b", "c"][..arity].join(", "))
}
