//! Random trees by wanted dtype.

use std::collections::HashMap;
use std::sync::LazyLock;

use fuse_ir::{DType, DTypeKind};
use fuse_ops::table::{Class, Row, Syntax, TABLE};
use fuse_ops::typing::Typing;
use fuse_ops::{Accuracy, Op, promote};

use super::{Form, Operand, Tree};
use crate::random::Random;

use DType::{Bool, F32, F64, I32, I64, U8, U64};

/// Which operators and values a formula is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// Everything, on values of which a fifth is special.
    Any,
    /// `+ - *` and small powers of f64, on moderate values: the error of relaxed mode is bounded by
    /// the sum of the monomials' magnitudes.
    Polynomial,
    /// Arithmetic, functions that have a domain, comparisons and choices of f64 on moderate values, which
    /// do not overflow.
    Tame,
    /// Complex numbers beside everything, on values of which a fifth is special.
    Complex,
}

/// A formula with its operands.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The expression.
    pub tree: Tree,
    /// The value of each variable.
    pub operands: Vec<Operand>,
    /// Does it use powers that only relaxed mode has?
    pub relaxed_only: bool,
}

/// The formula of a seed.
pub fn generate(seed: u64, family: Family) -> Subject {
    generate_from(Random::new(seed), family)
}

/// The formula that a generator chooses.
pub fn generate_from(mut random: Random, family: Family) -> Subject {
    let shape = shape(&mut random);
    let relaxed_only = family != Family::Tame && random.percent(20);
    let budget = 10 + random.below(30);
    let mut generator = Generator {
        random,
        family,
        shape,
        operands: Vec::new(),
        scopes: Vec::new(),
        scope: 0,
        n_scopes: 0,
        relaxed_only,
    };
    let tree = match family {
        Family::Any => {
            let usual = generator.random.percent(55);
            let roots: &[DType] = if usual { &[Bool, I32, I64, F32, F64, F64] } else { &ALL };
            let dtype = generator.random.pick(roots);
            generator.tree(dtype, budget)
        }
        Family::Polynomial => generator.polynomial(budget),
        Family::Tame => generator.tame(budget),
        Family::Complex => generator.complex_root(budget),
    };
    let Generator { operands, relaxed_only, .. } = generator;
    Subject { tree, operands, relaxed_only }
}

/// The shape that operands broadcast to.
fn shape(random: &mut Random) -> Vec<usize> {
    let small = 1 + random.below(70);
    match random.below(20) {
        0..11 => vec![small],
        11 => vec![1030 + random.below(2000)],
        12 | 13 => vec![1 + random.below(6), small],
        14 => vec![small, 1 + random.below(6)],
        15 | 16 => vec![1 + random.below(4), 1 + random.below(5), 1 + random.below(9)],
        17 => vec![2, 1100],
        18 => vec![],
        _ => vec![random.below(2), small],
    }
}

pub(super) struct Generator {
    pub(super) random: Random,
    pub(super) family: Family,
    /// What operands broadcast to here.
    pub(super) shape: Vec<usize>,
    operands: Vec<Operand>,
    /// For each operand the scope whose shape it broadcasts to; `None` for any.
    scopes: Vec<Option<usize>>,
    /// The number of this shape: below a slice there is another one.
    pub(super) scope: usize,
    pub(super) n_scopes: usize,
    relaxed_only: bool,
}

/// Elements above which a shape is no slice of a larger one: slices of slices grow by powers.
const LARGE: usize = 10_000;

/// Most variables of a formula.
const MOST_OPERANDS: usize = 7;

/// The dtypes that formulas compute on.
static ALL: LazyLock<Vec<DType>> =
    LazyLock::new(|| DType::ALL.iter().copied().filter(|dtype| dtype.mem().is_some()).collect());

/// Those of integers.
static INTEGERS: LazyLock<Vec<DType>> =
    LazyLock::new(|| ALL.iter().copied().filter(|dtype| dtype.is_integer()).collect());

/// Bool and those of integers.
static WHOLE: LazyLock<Vec<DType>> =
    LazyLock::new(|| std::iter::once(Bool).chain(INTEGERS.iter().copied()).collect());

/// The pairs of dtypes that promote to this one, itself with itself a third of them.
fn pairs(dtype: DType) -> &'static [(DType, DType)] {
    static PAIRS: LazyLock<HashMap<DType, Vec<(DType, DType)>>> = LazyLock::new(|| {
        let mut pairs: HashMap<DType, Vec<(DType, DType)>> = HashMap::new();
        for (position, &a) in ALL.iter().enumerate() {
            for &b in &ALL[position..] {
                if let Some(dtype) = promote(a, b) {
                    pairs.entry(dtype).or_default().push((a, b));
                }
            }
        }
        for (&dtype, pairs) in &mut pairs {
            pairs.extend(vec![(dtype, dtype); pairs.len() / 2]);
        }
        pairs
    });
    &PAIRS[&dtype]
}

/// Reductions of floats that need an element.
const OF_ELEMENTS: &[&str] = &[
    "max", "min", "mean", "var", "std", "nanmax", "nanmin", "nanmean", "nanvar", "nanstd", "mean",
    "max",
];

/// Of a hundred operators of a float dtype so many are elementary functions: of all nodes, operands
/// included, a twelfth.
const FUNCTIONS: usize = 48;

/// The functions of floats that the operator table has, those defined everywhere four times: an
/// undefined value spoils all that is computed from it.
static ELEMENTARY: LazyLock<Vec<&'static Row>> = LazyLock::new(|| {
    let computed = TABLE.iter().filter(|row| {
        let budgeted = matches!(row.accuracy, Accuracy::Ulp(_));
        let floating = row.typing == Typing::Floating && row.syntax == Syntax::Function;
        row.class == Class::Elementwise && (budgeted || floating)
    });
    computed.flat_map(|row| std::iter::repeat_n(row, if is_total(row) { 4 } else { 1 })).collect()
});

/// The functions of one argument that are undefined somewhere, `sqrt` as often as all others; but not
/// gamma, whose values overflow.
static PARTIAL: LazyLock<Vec<&'static Row>> = LazyLock::new(|| {
    let left_out = ["sqrt", "gamma"];
    let partial = |row: &&Row| row.arity == 1 && !is_total(row) && !left_out.contains(&row.name);
    let others: Vec<&Row> = ELEMENTARY.iter().copied().filter(partial).collect();
    let roots = std::iter::repeat_n(Op::Sqrt.row(), others.len().max(1));
    roots.chain(others.iter().copied()).collect()
});

/// Does its domain hold what moderate values are, of either sign?
fn is_total(row: &Row) -> bool {
    row.domain.low <= -5.0 && 5.0 <= row.domain.high
}

impl Generator {
    /// A leaf or a node.
    pub(super) fn tree(&mut self, dtype: DType, budget: usize) -> Tree {
        if budget <= 2 {
            return self.leaf(dtype);
        }
        let may_slice = budget > 4 && self.family == Family::Any;
        if may_slice && self.random.percent(4) && !self.is_large() {
            return self.sliced_tree(dtype, budget - 3);
        }
        match dtype {
            Bool => self.truth(budget - 1),
            _ if dtype.is_integer() => self.integer(dtype, budget - 1),
            _ if dtype.is_complex() => self.complex(dtype, budget - 1),
            _ => self.float(dtype, budget - 1),
        }
    }

    /// A variable, or now and then a number with a suffix.
    fn leaf(&mut self, dtype: DType) -> Tree {
        if self.family == Family::Any {
            match self.random.below(20) {
                0 if dtype == I64 || dtype == F64 => return self.generated(dtype),
                0..3 if !self.is_large() => {
                    let extents = self.extents();
                    return self.sliced_leaf(dtype, &extents);
                }
                _ => {}
            }
        }
        let fits = |i: &usize| self.scopes[*i].is_none_or(|scope| scope == self.scope);
        let here: Vec<usize> = (0..self.operands.len()).filter(fits).collect();
        let known: Vec<usize> =
            here.iter().copied().filter(|&i| self.operands[i].dtype == dtype).collect();
        let room = self.operands.len() < MOST_OPERANDS;
        let index = match known.len() {
            n if n > 0 && (self.random.percent(60) || !room) => known[self.random.below(n)],
            _ if room || here.is_empty() => self.new_operand(dtype),
            _ => {
                let index = self.random.pick(&here);
                let from = self.operands[index].dtype;
                let mut variable = Tree::new(from, Form::Variable(index), Vec::new());
                if from.is_complex() && !dtype.is_complex() {
                    let part = if from == DType::C64 { F32 } else { F64 };
                    variable = Tree::new(part, Form::Call("abs"), vec![variable]);
                }
                return Tree::new(dtype, Form::Call(name_of(dtype)), vec![variable]);
            }
        };
        Tree::new(dtype, Form::Variable(index), Vec::new())
    }

    fn new_operand(&mut self, dtype: DType) -> usize {
        let operand = if self.random.percent(12) && !dtype.is_complex() {
            Operand::scalar(dtype, self.family, &mut self.random)
        } else {
            let extents = self.extents();
            Operand::random(dtype, &extents, self.family, &mut self.random)
        };
        let scope = if operand.is_scalar { None } else { Some(self.scope) };
        self.add(operand, scope)
    }

    /// Is the shape one of which no larger one is cut any more?
    fn is_large(&self) -> bool {
        self.shape.iter().product::<usize>() > LARGE
    }

    /// Extents that broadcast to the shape.
    fn extents(&mut self) -> Vec<usize> {
        let mut extents = self.shape.clone();
        for extent in &mut extents {
            if self.random.percent(12) {
                *extent = 1;
            }
        }
        let drop = if self.random.percent(15) { self.random.below(extents.len() + 1) } else { 0 };
        extents.split_off(drop)
    }

    /// A new operand, and the shape that it broadcasts to.
    pub(super) fn add(&mut self, operand: Operand, scope: Option<usize>) -> usize {
        self.operands.push(operand);
        self.scopes.push(scope);
        self.operands.len() - 1
    }

    /// Two arguments that promote to this dtype.
    fn pair(&mut self, dtype: DType, budget: usize) -> Vec<Tree> {
        let (a, b) = self.random.pick(pairs(dtype));
        self.two(a, b, budget)
    }

    pub(super) fn two(&mut self, a: DType, b: DType, budget: usize) -> Vec<Tree> {
        let (a, b) = if self.random.percent(50) { (a, b) } else { (b, a) };
        let left = 1 + self.random.below(budget.max(2) - 1);
        vec![self.tree(a, left), self.tree(b, budget.saturating_sub(left))]
    }

    fn infix(&mut self, dtype: DType, ops: &[&'static str], budget: usize) -> Tree {
        let op = self.random.pick(ops);
        let args = self.pair(dtype, budget);
        Tree::new(dtype, Form::Infix(op), args)
    }

    fn call(&mut self, dtype: DType, names: &[&'static str], budget: usize) -> Tree {
        let name = self.random.pick(names);
        let args = self.pair(dtype, budget);
        Tree::new(dtype, Form::Call(name), args)
    }

    fn unary(&mut self, dtype: DType, form: Form, budget: usize) -> Tree {
        let arg = self.tree(dtype, budget);
        Tree::new(dtype, form, vec![arg])
    }

    /// A plain number of the dtype's kind beside a value of the dtype.
    fn with_literal(&mut self, dtype: DType, ops: &[&'static str], budget: usize) -> Tree {
        let texts: &[&'static str] = if dtype.is_float() {
            &["0.5", "2", "-1", "3", "0.1", "1e3", "7", "0", "-0.0", "1e-3", "pi", "17", "8"]
        } else {
            &["0", "1", "-1", "2", "3", "7", "10", "-5", "31", "1000", "255", "17"]
        };
        let fits = |text: &&&str| match dtype.integer_range() {
            Some((low, high)) => {
                text.parse::<i128>().is_ok_and(|value| low <= value && value <= high)
            }
            None => true,
        };
        let texts: Vec<&'static str> = texts.iter().filter(fits).copied().collect();
        let literal = Tree::new(dtype, Form::Literal(self.random.pick(&texts)), Vec::new());
        let value = self.tree(dtype, budget);
        let args =
            if self.random.percent(70) { vec![value, literal] } else { vec![literal, value] };
        Tree::new(dtype, Form::Infix(self.random.pick(ops)), args)
    }

    fn choice(&mut self, dtype: DType, budget: usize) -> Tree {
        let part = budget / 3;
        let condition = self.tree(Bool, part);
        let mut args = vec![condition];
        args.extend(self.pair(dtype, budget - part));
        let form = if self.random.percent(60) { Form::Call("where") } else { Form::Conditional };
        Tree::new(dtype, form, args)
    }

    fn cast(&mut self, dtype: DType, budget: usize) -> Tree {
        // 64-bit integers reach f32 by primitives of their own.
        let wide = dtype == F32 && self.random.percent(75);
        let from = if wide { self.random.pick(&[I64, U64]) } else { self.random.pick(&ALL) };
        let arg = self.tree(from, budget);
        Tree::new(dtype, Form::Call(name_of(dtype)), vec![arg])
    }

    /// A reduction with a result of this dtype, over all axes or some.
    fn reduction(&mut self, dtype: DType, budget: usize) -> Tree {
        let has_elements = self.shape.iter().all(|&extent| extent > 0);
        let any_of = |generator: &mut Self, dtypes: &[DType]| generator.random.pick(dtypes);
        let (names, from): (&[&'static str], DType) = match dtype.kind() {
            DTypeKind::Bool if has_elements => (&["any", "all", "max", "min"], Bool),
            DTypeKind::Bool => (&["any", "all"], any_of(self, &ALL)),
            DTypeKind::Int if dtype == I64 && has_elements && self.random.percent(50) => {
                (&["argmax", "argmin", "count_nonzero"], any_of(self, &ALL))
            }
            DTypeKind::Int if dtype == I64 => {
                let signed = [Bool, DType::I8, DType::I16, I32, I64];
                (&["sum", "prod", "nansum"], any_of(self, &signed))
            }
            DTypeKind::UInt if dtype == U64 => {
                (&["sum", "prod"], any_of(self, &[U8, DType::U16, DType::U32, U64]))
            }
            DTypeKind::Int | DTypeKind::UInt if has_elements => (&["max", "min"], dtype),
            DTypeKind::Float if has_elements && self.random.percent(60) => (OF_ELEMENTS, dtype),
            DTypeKind::Float => (&["sum", "sum", "prod", "norm", "nansum", "nanprod"], dtype),
            DTypeKind::Int | DTypeKind::UInt => return self.cast(dtype, budget),
            DTypeKind::Complex | DTypeKind::Bytes | DTypeKind::Text => {
                unreachable!("formulas compute on no such dtype yet")
            }
        };
        let name = self.random.pick(names);
        let mut arg = self.tree(from, budget);
        let known = self.rank(&arg);
        let rank = known.unwrap_or(0);
        if rank > 0 && self.random.percent(15) {
            arg = Tree::new(from, Form::Subscript("[::-1]"), vec![arg]);
        }
        // Of a value whose axes are not known here, only a reduction over all of them is safe.
        let mut parameters = known.map_or_else(String::new, |rank| self.axes(rank));
        if (name.contains("var") || name.contains("std")) && self.random.percent(50) {
            parameters.push_str(", ddof=1");
        }
        Tree::new(dtype, Form::Reduction(name, parameters), vec![arg])
    }

    /// Which axes of so many to reduce, so that the result broadcasts with what is of the same shape.
    pub(super) fn axes(&mut self, rank: usize) -> String {
        let axis = self.random.below(rank.max(1));
        match self.random.below(10) {
            0..3 if rank > 0 => ", axis=0".to_string(),
            3..5 if rank > 0 => format!(", axis={axis}, keepdims=True"),
            5 if rank > 1 => ", axis=(0, -1), keepdims=True".to_string(),
            6 if rank > 1 => ", axis=(1, 0)".to_string(),
            7 => ", keepdims=True".to_string(),
            _ => String::new(),
        }
    }

    /// The number of axes of a tree's value, unless slices or generators decide it.
    pub(super) fn rank(&self, tree: &Tree) -> Option<usize> {
        let below: Option<Vec<usize>> = tree.args.iter().map(|arg| self.rank(arg)).collect();
        let below = below?.into_iter().max().unwrap_or(0);
        Some(match &tree.form {
            Form::View(_) | Form::Generated(_) => return None,
            Form::Variable(index) if self.operands[*index].is_scalar => 0,
            Form::Variable(index) => self.operands[*index].extents.len(),
            Form::Reduction(_, parameters) if parameters.contains("keepdims") => below,
            Form::Reduction(_, parameters) if parameters.contains("axis=0") => below - 1,
            Form::Reduction(_, parameters) if parameters.contains("axis=(1, 0)") => below - 2,
            Form::Reduction(..) => 0,
            Form::Literal(_) | Form::Infix(_) | Form::Prefix(_) | Form::Call(_) => below,
            Form::Conditional | Form::Power(_) | Form::Chain(..) | Form::Subscript(_) => below,
        })
    }

    /// An elementary function, of integers or bool now and then.
    fn function(&mut self, dtype: DType, budget: usize) -> Tree {
        let row = self.random.pick(&ELEMENTARY);
        let exact = dtype == F64 && row.typing == Typing::Floating && self.random.percent(12);
        let args = match (row.arity, exact) {
            (1, true) => {
                let from = self.random.pick(&WHOLE);
                vec![self.tree(from, budget)]
            }
            (1, false) => {
                let arg = self.tree(dtype, budget);
                vec![self.within_domain(row, arg)]
            }
            (_, true) => {
                let (a, b) = (self.random.pick(&WHOLE), self.random.pick(&INTEGERS));
                self.two(a, b, budget)
            }
            (_, false) => {
                let mut args = self.pair(dtype, budget);
                let first = args.remove(0);
                args.insert(0, self.within_domain(row, first));
                args
            }
        };
        Tree::new(dtype, Form::Call(row.name), args)
    }

    /// The first argument of a function, mostly moved to where it is defined: `abs(x)`, or `x % 1` where
    /// the domain is bounded.
    fn within_domain(&mut self, row: &Row, arg: Tree) -> Tree {
        let dtype = arg.dtype;
        if is_total(row) || !dtype.is_float() || self.random.percent(25) {
            return arg;
        }
        if row.domain.high.is_infinite() {
            return Tree::new(dtype, Form::Call("abs"), vec![arg]);
        }
        let one = Tree::new(dtype, Form::Literal("1"), Vec::new());
        Tree::new(dtype, Form::Infix("%"), vec![arg, one])
    }

    fn float(&mut self, dtype: DType, budget: usize) -> Tree {
        if self.random.percent(FUNCTIONS) {
            return self.function(dtype, budget);
        }
        match self.random.below(100) {
            0..36 => self.infix(dtype, &["+", "-", "*", "+", "*", "/"], budget),
            36..41 if dtype == F64 => {
                let (a, b) = (self.random.pick(&WHOLE), self.random.pick(&INTEGERS));
                let args = self.two(a, b, budget);
                Tree::new(F64, Form::Infix("/"), args)
            }
            36..45 => self.infix(dtype, &["//", "%"], budget),
            45..55 => self.call(dtype, &["minimum", "maximum", "copysign", "fmod"], budget),
            55..66 => {
                let names = ["abs", "floor", "ceil", "trunc", "round", "sqrt", "sign"];
                let form = Form::Call(self.random.pick(&names));
                self.unary(dtype, form, budget)
            }
            66..70 => self.unary(dtype, Form::Prefix("-"), budget),
            70..76 => {
                let exact = ["2", "-1", "0.5", "2.0", "1", "2"];
                let relaxed = ["3", "4", "5", "8", "-2", "-3", "7", "13"];
                let exponents: &[&str] = if self.relaxed_only { &relaxed } else { &exact };
                let form = Form::Power(self.random.pick(exponents));
                self.unary(dtype, form, budget)
            }
            76..85 => self.choice(dtype, budget),
            // For its conversions from 64-bit integers.
            85..89 if dtype == F32 => self.cast(dtype, budget),
            85..93 => self.with_literal(dtype, &["+", "-", "*", "/", "*"], budget),
            93..96 => self.cast(dtype, budget),
            _ => self.reduction(dtype, budget),
        }
    }

    fn integer(&mut self, dtype: DType, budget: usize) -> Tree {
        match self.random.below(100) {
            0..30 => self.infix(dtype, &["+", "-", "*"], budget),
            30..42 => self.infix(dtype, &["//", "%"], budget),
            42..52 => self.infix(dtype, &["&", "|", "^"], budget),
            52..60 => {
                let op = self.random.pick(&["<<", ">>"]);
                let args = self.two(dtype, dtype, budget);
                Tree::new(dtype, Form::Infix(op), args)
            }
            60..65 => self.call(dtype, &["minimum", "maximum", "fmod"], budget),
            65 | 66 if dtype == U8 => {
                let from = self.random.pick(&INTEGERS);
                let arg = self.tree(from, budget);
                Tree::new(dtype, Form::Call("popcount"), vec![arg])
            }
            65 | 66 => {
                let args = self.two(dtype, dtype, budget);
                Tree::new(dtype, Form::Call(self.random.pick(&["gcd", "lcm"])), args)
            }
            67..74 => {
                let forms = [
                    Form::Prefix("-"),
                    Form::Prefix("~"),
                    Form::Call("abs"),
                    Form::Call("sign"),
                    Form::Call("floor"),
                ];
                let form = forms[self.random.below(forms.len())].clone();
                self.unary(dtype, form, budget)
            }
            74..78 => {
                let exponent = self.random.pick(&["0", "1", "2", "3", "5", "8", "13"]);
                self.unary(dtype, Form::Power(exponent), budget)
            }
            78..80 => self.infix(dtype, &["**"], budget),
            80..86 => self.choice(dtype, budget),
            86..93 => {
                let ops = ["+", "-", "*", "//", "%", "&", "|", "^", "<<", ">>"];
                self.with_literal(dtype, &ops, budget)
            }
            93..97 if dtype == I64 || dtype == U64 => self.reduction(dtype, budget),
            93 => self.reduction(dtype, budget),
            _ => self.cast(dtype, budget),
        }
    }

    fn truth(&mut self, budget: usize) -> Tree {
        const COMPARISONS: [&str; 6] = ["<", "<=", "==", "!=", ">=", ">"];
        match self.random.below(100) {
            0..45 => {
                let (a, b) = (self.random.pick(&ALL), self.random.pick(&ALL));
                let args = self.two(a, b, budget);
                Tree::new(Bool, Form::Infix(self.random.pick(&COMPARISONS)), args)
            }
            45..50 => {
                let dtype = self.random.pick(&ALL[1..]);
                let mut args = self.two(dtype, dtype, budget * 2 / 3);
                args.push(self.tree(dtype, budget / 3));
                let ops = [self.random.pick(&COMPARISONS), self.random.pick(&COMPARISONS)];
                Tree::new(Bool, Form::Chain(ops[0], ops[1]), args)
            }
            50..70 => self.infix(Bool, &["&", "|", "^", "and", "or", "+", "*"], budget),
            70..78 => {
                let form = self.random.pick(&["~", "not"]);
                self.unary(Bool, Form::Prefix(form), budget)
            }
            78..86 => {
                let names = ["isnan", "isinf", "isfinite", "signbit"];
                let from = self.random.pick(&[DType::F16, F32, F64, F32, F64, I32, U8]);
                let arg = self.tree(from, budget);
                Tree::new(Bool, Form::Call(self.random.pick(&names)), vec![arg])
            }
            86..92 => self.choice(Bool, budget),
            92..95 => self.call(Bool, &["minimum", "maximum"], budget),
            95..97 => self.reduction(Bool, budget),
            _ => self.cast(Bool, budget),
        }
    }

    /// Sums, differences and products of f64.
    fn polynomial(&mut self, budget: usize) -> Tree {
        if budget <= 2 {
            return self.leaf(F64);
        }
        let left = 1 + self.random.below(budget - 1);
        match self.random.below(10) {
            0 => {
                let exponent = if self.relaxed_only { "3" } else { "2" };
                let arg = self.polynomial(3);
                Tree::new(F64, Form::Power(exponent), vec![arg])
            }
            1 => {
                let text = self.random.pick(&["2", "0.5", "3", "-1.5", "17", "0.1"]);
                let literal = Tree::new(F64, Form::Literal(text), Vec::new());
                let arg = self.polynomial(budget - 1);
                Tree::new(F64, Form::Infix(self.random.pick(&["*", "+"])), vec![arg, literal])
            }
            draw => {
                let op = ["+", "-", "*"][draw % 3];
                let args = vec![self.polynomial(left), self.polynomial(budget - left)];
                Tree::new(F64, Form::Infix(op), args)
            }
        }
    }

    /// What may cross a domain edge: roots, logarithms and the like, quotients and choices of polynomials.
    fn tame(&mut self, budget: usize) -> Tree {
        if budget <= 4 {
            return self.polynomial(budget);
        }
        let left = 1 + self.random.below(budget - 1);
        match self.random.below(12) {
            0..3 => {
                let arg = self.polynomial(budget.min(9));
                Tree::new(F64, Form::Call(self.random.pick(&PARTIAL).name), vec![arg])
            }
            3 => {
                let arg = self.tame(budget - 1);
                Tree::new(F64, Form::Call(self.random.pick(&PARTIAL).name), vec![arg])
            }
            4 => {
                let args = vec![self.tame(left), self.polynomial((budget - left).min(7))];
                Tree::new(F64, Form::Infix("/"), args)
            }
            5 => {
                let sides = vec![self.polynomial(5), self.polynomial(5)];
                let test = Tree::new(Bool, Form::Infix(self.random.pick(&["<", "=="])), sides);
                let args = vec![test, self.tame(left), self.tame(budget - left)];
                Tree::new(F64, Form::Call("where"), args)
            }
            6 => {
                let args = vec![self.tame(left), self.tame(budget - left)];
                Tree::new(F64, Form::Call(self.random.pick(&["minimum", "maximum"])), args)
            }
            draw => {
                let op = ["+", "-", "*"][draw % 3];
                let args = vec![self.tame(left), self.tame(budget - left)];
                Tree::new(F64, Form::Infix(op), args)
            }
        }
    }
}

/// NumPy's name, which is the cast's as well.
pub(super) fn name_of(dtype: DType) -> &'static str {
    dtype.aliases()[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_large_and_reproducible() {
        let mut sizes: Vec<usize> =
            (0..1000).map(|seed| generate(seed, Family::Any).tree.len()).collect();
        sizes.sort_unstable();
        assert!(sizes[500] >= 15, "median {}", sizes[500]);
        let again = generate(7, Family::Any);
        assert_eq!(again.tree, generate(7, Family::Any).tree);
    }

    /// Nodes of a tree that call a function of the list.
    fn functions_in(tree: &Tree) -> usize {
        let is_called = ELEMENTARY.iter().any(|row| tree.form == Form::Call(row.name));
        usize::from(is_called) + tree.args.iter().map(functions_in).sum::<usize>()
    }

    #[test]
    fn a_twelfth_of_the_nodes_are_elementary_functions() {
        let trees: Vec<Tree> = (0..1000).map(|seed| generate(seed, Family::Any).tree).collect();
        let nodes: usize = trees.iter().map(Tree::len).sum();
        let functions: usize = trees.iter().map(functions_in).sum();
        let share = 100 * functions / nodes;
        assert!((6..=11).contains(&share), "{share} % of {nodes} nodes");
    }
}
