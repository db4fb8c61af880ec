//! Reading kernels back: one item a line, a cursor over each line, no recursion, no panics.

use rustc_hash::FxHashSet;

use crate::ids::{RegionId, TableId, ValueId};
use crate::kernel::{
    Control, Fold, InputClass, Kernel, Node, OperandInput, OperandOutput, Region, Scalar,
    StateSlot, Table,
};
use crate::lane::{Lane, Mem};
use crate::prim::Prim;
use crate::text::TextError;

/// Reads the text form of a kernel.
///
/// # Errors
/// The first line that does not follow the grammar, or that is out of order.
pub fn parse_kernel(text: &str) -> Result<Kernel, TextError> {
    let mut parser = Parser::default();
    for (index, line) in text.lines().enumerate() {
        let code = line.split('#').next().unwrap_or_default();
        let mut cursor = Cursor { rest: code.trim() };
        if !cursor.rest.is_empty() {
            parser
                .item(&mut cursor)
                .and_then(|()| cursor.end())
                .map_err(|message| TextError { line: index + 1, message })?;
        }
    }
    let last = text.lines().count();
    parser.close_region().map_err(|message| TextError { line: last, message })?;
    Ok(parser.kernel)
}

/// Messages become a [`TextError`] where the line is known.
type Parsed<T> = Result<T, String>;

/// Which region of the kernel is being read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Place {
    Closed(usize),
    Uniform,
    Lane,
    Step(usize),
    Merge(usize),
    Finish(usize),
}

#[derive(Default)]
struct Parser {
    kernel: Kernel,
    /// The regions whose headers have been read.
    seen: FxHashSet<Place>,
    /// The one whose `return` has not been read.
    open: Option<(Place, Region)>,
}

impl Parser {
    /// A line that is not empty.
    fn item(&mut self, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let word = cursor.word()?;
        if word == "return" {
            let results = cursor.values()?;
            let (_, region) = self.open.as_mut().ok_or("`return` outside a region")?;
            region.results = results;
            return self.store_region();
        }
        let (name, number) = split_number(word);
        match (name, number) {
            ("v", Some(number)) => self.node(number, cursor),
            ("c", Some(number)) => self.control(number, cursor),
            _ => {
                self.close_region()?;
                self.section(name, number, word, cursor)
            }
        }
    }

    fn section(
        &mut self,
        name: &str,
        number: Option<usize>,
        word: &str,
        cursor: &mut Cursor<'_>,
    ) -> Parsed<()> {
        match (name, number) {
            ("table", Some(number)) => self.table(number, cursor),
            ("input", Some(number)) => self.input(number, cursor),
            ("output", Some(number)) => self.output(number, cursor),
            ("fold", Some(number)) => self.fold(number, cursor),
            ("region", Some(number)) => {
                in_order("region", number, self.kernel.regions.len())?;
                self.header(Place::Closed(number), cursor)
            }
            ("uniform", None) => self.header(Place::Uniform, cursor),
            ("lane", None) => self.header(Place::Lane, cursor),
            _ => Err(format!("`{word}` does not start a line")),
        }
    }

    fn table(&mut self, number: usize, cursor: &mut Cursor<'_>) -> Parsed<()> {
        in_order("table", number, self.kernel.tables.len())?;
        let lane = cursor.suffix()?;
        cursor.expect("=")?;
        let entries = cursor.list(|cursor| cursor.constant(lane).map(|scalar| scalar.bits))?;
        self.kernel.tables.push(Table { lane, entries });
        Ok(())
    }

    fn input(&mut self, number: usize, cursor: &mut Cursor<'_>) -> Parsed<()> {
        in_order("input", number, self.kernel.inputs.len())?;
        cursor.expect("=")?;
        let mem = cursor.mem()?;
        let class = match cursor.word()? {
            "stream" => InputClass::Stream,
            "splat" => InputClass::Splat,
            other => return Err(format!("`{other}` is not `stream` or `splat`")),
        };
        self.kernel.inputs.push(OperandInput { mem, class });
        Ok(())
    }

    fn output(&mut self, number: usize, cursor: &mut Cursor<'_>) -> Parsed<()> {
        in_order("output", number, self.kernel.outputs.len())?;
        cursor.expect("=")?;
        let mem = cursor.mem()?;
        let never_nan = !cursor.rest.is_empty();
        if never_nan {
            cursor.expect("never_nan")?;
        }
        self.kernel.outputs.push(OperandOutput { mem, never_nan });
        Ok(())
    }

    /// `fold0 = ...` or the header of one of its regions.
    fn fold(&mut self, number: usize, cursor: &mut Cursor<'_>) -> Parsed<()> {
        if !cursor.eat(".") {
            in_order("fold", number, self.kernel.folds.len())?;
            cursor.expect("=")?;
            let state = cursor.list(|cursor| {
                let lane = cursor.lane()?;
                cursor.constant(lane).map(|init| StateSlot { init })
            })?;
            let (step, merge, finish) = Default::default();
            self.kernel.folds.push(Fold { state, step, merge, finish });
            return Ok(());
        }
        if number >= self.kernel.folds.len() {
            return Err(format!("there is no fold{number} yet"));
        }
        let place = match cursor.word()? {
            "step" => Place::Step(number),
            "merge" => Place::Merge(number),
            "finish" => Place::Finish(number),
            other => return Err(format!("`{other}` is not `step`, `merge` or `finish`")),
        };
        self.header(place, cursor)
    }

    fn header(&mut self, place: Place, cursor: &mut Cursor<'_>) -> Parsed<()> {
        // Closed regions are numbered in order, so a second one has been refused already.
        if !matches!(place, Place::Closed(_)) && !self.seen.insert(place) {
            return Err("this region has been given before".to_string());
        }
        cursor.expect("(")?;
        let params = cursor.list(Cursor::lane)?;
        cursor.expect(")")?;
        self.open = Some((place, Region { params, ..Region::default() }));
        Ok(())
    }

    fn close_region(&mut self) -> Parsed<()> {
        match self.open {
            Some(_) => Err("the region before lacks its `return`".to_string()),
            None => Ok(()),
        }
    }

    fn store_region(&mut self) -> Parsed<()> {
        let (place, region) = self.open.take().ok_or("no region is open")?;
        let kernel = &mut self.kernel;
        let fold = |folds: &mut Vec<Fold>, number, part: fn(&mut Fold) -> &mut Region| {
            if let Some(fold) = folds.get_mut(number) {
                *part(fold) = region.clone();
            }
        };
        match place {
            Place::Closed(_) => kernel.regions.push(region),
            Place::Uniform => kernel.uniform = region,
            Place::Lane => kernel.lane = region,
            Place::Step(number) => fold(&mut kernel.folds, number, |fold| &mut fold.step),
            Place::Merge(number) => fold(&mut kernel.folds, number, |fold| &mut fold.merge),
            Place::Finish(number) => fold(&mut kernel.folds, number, |fold| &mut fold.finish),
        }
        Ok(())
    }

    fn node(&mut self, number: usize, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let (_, region) = self.open.as_mut().ok_or("a value outside a region")?;
        in_order("v", number, region.nodes.len())?;
        cursor.expect("=")?;
        let mnemonic = cursor.word()?;
        let lane = cursor.suffix()?;
        let node = match mnemonic {
            "param" => Node::Param(cursor.number()?),
            "const" => Node::Const(cursor.constant(lane)?),
            "lookup" => {
                let table = TableId::new(cursor.numbered("table")?);
                cursor.expect(",")?;
                Node::Lookup(table, cursor.value()?)
            }
            "result" => {
                let control = cursor.numbered_u32("c")?;
                cursor.expect(".")?;
                Node::Result { control, index: cursor.number()? }
            }
            _ => cursor.prim(mnemonic)?,
        };
        region.nodes.push(node);
        region.lanes.push(lane);
        Ok(())
    }

    fn control(&mut self, number: usize, cursor: &mut Cursor<'_>) -> Parsed<()> {
        let (_, region) = self.open.as_mut().ok_or("a control outside a region")?;
        in_order("c", number, region.controls.len())?;
        cursor.expect("=")?;
        let control = match cursor.word()? {
            "rare" => {
                let mask = cursor.value()?;
                let (region, args) = cursor.call()?;
                cursor.expect("else")?;
                cursor.expect("(")?;
                let otherwise = cursor.values()?;
                cursor.expect(")")?;
                Control::Rare { mask, region, args, otherwise }
            }
            "repeat" => {
                let at_most = cursor.number()?;
                let (region, init) = cursor.call()?;
                Control::Repeat { at_most, region, init }
            }
            other => return Err(format!("`{other}` is not `rare` or `repeat`")),
        };
        region.controls.push(control);
        Ok(())
    }
}

fn in_order(kind: &str, number: usize, expected: usize) -> Parsed<()> {
    if number == expected {
        return Ok(());
    }
    Err(format!("expected {kind}{expected}, found {kind}{number}"))
}

/// `region12` as `("region", Some(12))`; a word without a number of 32 bits stays whole.
fn split_number(word: &str) -> (&str, Option<usize>) {
    let name = word.trim_end_matches(|c: char| c.is_ascii_digit());
    match word[name.len()..].parse::<u32>() {
        Ok(number) => (name, Some(number as usize)),
        Err(_) => (word, None),
    }
}

/// What is left of a line; no blanks at the front.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn advance(&mut self, len: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(len);
        self.rest = rest.trim_start();
        taken
    }

    fn end(&self) -> Parsed<()> {
        if self.rest.is_empty() { Ok(()) } else { Err(format!("unexpected `{}`", self.shown())) }
    }

    /// The rest, shortened for a message.
    fn shown(&self) -> String {
        self.rest.chars().take(40).collect()
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found = self.rest.starts_with(symbol);
        if found {
            self.advance(symbol.len());
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.eat(symbol) {
            return Ok(());
        }
        Err(format!("expected `{symbol}`, found `{}`", self.shown()))
    }

    /// Letters, digits and underscores.
    fn word(&mut self) -> Parsed<&'a str> {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '_';
        match self.rest.find(|c| !inside(c)).unwrap_or(self.rest.len()) {
            0 => Err(format!("expected a word, found `{}`", self.shown())),
            len => Ok(self.advance(len)),
        }
    }

    fn number(&mut self) -> Parsed<u32> {
        let word = self.word()?;
        word.parse().map_err(|_| format!("`{word}` is not a number of 32 bits"))
    }

    fn numbered_u32(&mut self, prefix: &str) -> Parsed<u32> {
        let word = self.word()?;
        let number = word.strip_prefix(prefix).and_then(|number| number.parse().ok());
        number.ok_or_else(|| format!("expected `{prefix}` and a number, found `{word}`"))
    }

    fn numbered(&mut self, prefix: &str) -> Parsed<usize> {
        self.numbered_u32(prefix).map(|number| number as usize)
    }

    fn value(&mut self) -> Parsed<ValueId> {
        self.numbered("v").map(ValueId::new)
    }

    fn values(&mut self) -> Parsed<Vec<ValueId>> {
        self.list(Cursor::value)
    }

    /// Items with commas between, up to the end of the line or a closing bracket; may be empty.
    fn list<T>(&mut self, mut item: impl FnMut(&mut Self) -> Parsed<T>) -> Parsed<Vec<T>> {
        let mut items = Vec::new();
        if self.rest.is_empty() || self.rest.starts_with(')') {
            return Ok(items);
        }
        loop {
            items.push(item(self)?);
            if !self.eat(",") {
                return Ok(items);
            }
        }
    }

    fn lane(&mut self) -> Parsed<Lane> {
        let word = self.word()?;
        Lane::from_name(word).ok_or_else(|| format!("`{word}` is not a lane type"))
    }

    /// `.lane`
    fn suffix(&mut self) -> Parsed<Lane> {
        self.expect(".")?;
        self.lane()
    }

    fn mem(&mut self) -> Parsed<Mem> {
        let word = self.word()?;
        let mut mems = Lane::ALL.iter().map(|lane| lane.mem());
        let found = mems.find(|mem| mem.to_string() == word);
        found.ok_or_else(|| format!("`{word}` is not a form of memory"))
    }

    /// `, regionN(values)`
    fn call(&mut self) -> Parsed<(RegionId, Vec<ValueId>)> {
        self.expect(",")?;
        let region = RegionId::new(self.numbered("region")?);
        self.expect("(")?;
        let args = self.values()?;
        self.expect(")")?;
        Ok((region, args))
    }

    fn prim(&mut self, mnemonic: &str) -> Parsed<Node> {
        let prim = Prim::from_mnemonic(mnemonic)
            .ok_or_else(|| format!("there is no primitive `{mnemonic}`"))?;
        let args = self.values()?;
        if args.len() != prim.arity() {
            return Err(format!("{mnemonic} takes {} values, not {}", prim.arity(), args.len()));
        }
        let mut padded = [ValueId::new(0); 3];
        padded[..args.len()].copy_from_slice(&args);
        Ok(Node::Prim(prim, padded))
    }

    fn constant(&mut self, lane: Lane) -> Parsed<Scalar> {
        let ends = |c: char| c == ',' || c == ')' || c.is_whitespace();
        let len = self.rest.find(ends).unwrap_or(self.rest.len());
        let word = self.advance(len);
        let bits = constant_bits(lane, word);
        match bits.filter(|bits| bits & !lane.all_ones() == 0) {
            Some(bits) => Ok(Scalar { lane, bits }),
            None => Err(format!("`{word}` is not a constant of {lane}")),
        }
    }
}

fn constant_bits(lane: Lane, word: &str) -> Option<u64> {
    if let Some(digits) = word.strip_prefix("0x") {
        // `from_str_radix` accepts a sign, which bits do not have.
        let unsigned = digits.starts_with(|c: char| c.is_ascii_hexdigit());
        return u64::from_str_radix(digits, 16).ok().filter(|_| unsigned);
    }
    match lane {
        Lane::Mask => word.parse().ok().map(|set: bool| u64::from(set)),
        Lane::I8 | Lane::I16 | Lane::I32 | Lane::I64 => integer_bits(lane, word),
        Lane::F32 if is_decimal(word) => {
            word.parse().ok().map(|value: f32| u64::from(value.to_bits()))
        }
        Lane::F64 if is_decimal(word) => word.parse().ok().map(f64::to_bits),
        Lane::F32 | Lane::F64 => None,
    }
}

/// An integer that fits the lane read as signed or as unsigned.
fn integer_bits(lane: Lane, word: &str) -> Option<u64> {
    if let Ok(value) = word.parse::<u64>() {
        return Some(value);
    }
    let value: i64 = word.parse().ok()?;
    let lowest = i64::MIN >> (64 - lane.bits());
    (lowest <= value).then_some(value.cast_unsigned() & lane.all_ones())
}

/// Keeps out `nan` and `infinity`, which Rust's parser would take.
fn is_decimal(word: &str) -> bool {
    matches!(word, "inf" | "-inf")
        || word.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-'))
}
