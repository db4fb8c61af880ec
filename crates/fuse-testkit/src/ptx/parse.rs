//! Text to [`Module`]: what stands outside of bodies.
//!
//! ```text
//! .version 6.0  .target sm_70  .address_size 64
//! .const .align 8 .b64 table0[2] = {0x…, …};            also .global
//! .func (.param .align 8 .b8 results[24]) region0(.param .b64 a0, …)  BODY
//! .visible .entry p0_vector(.param .u64 a0, …) .maxntid 256, 1, 1 .minnctapersm 1     BODY
//! ```
//!
//! A function stands before those that call it, so recursion cannot be written.

use super::body::{Body, Role};
use super::cursor::Cursor;
use super::instruction::{Entry, Parameter};
use super::lex::{Token, error, tokens};
use super::tables::{MOST_CONSTANT_BYTES, Table, TableSpace};
use super::types::{Type, integer};
use super::{Module, PtxError};

/// The most entries of a table.
const MOST_ENTRIES: u32 = 1 << 24;
/// The most bytes of a function's results.
pub(super) const MOST_RESULT_BYTES: u32 = 1 << 12;
/// The most threads of a block.
const MOST_THREADS: u32 = 1024;

/// Understands the text of a module.
///
/// # Errors
/// The first thing that is not in the subset.
pub(super) fn module(text: &str) -> Result<Module, PtxError> {
    let mut cursor = Cursor::new(tokens(text)?);
    for line in [".version 6.0", ".target sm_70", ".address_size 64"] {
        cursor.expect(line)?;
    }
    let mut module = Module::default();
    while let Some(token) = cursor.peek() {
        cursor.next()?;
        match token.text {
            ".const" => table(&mut cursor, TableSpace::Constant, &mut module)?,
            ".global" => table(&mut cursor, TableSpace::Global, &mut module)?,
            ".func" => function(&mut cursor, &mut module)?,
            ".visible" => entry(&mut cursor, &mut module)?,
            other => return Err(error(token.line, format!("`{other}` has no meaning here"))),
        }
    }
    Ok(module)
}

/// A name that nothing else of the module has.
fn new_name<'t>(cursor: &mut Cursor<'t>, module: &Module) -> Result<&'t str, PtxError> {
    let line = cursor.line();
    let name = cursor.name()?;
    let is_function = module.functions.iter().any(|function| function.name == name);
    if module.tables.has(name) || is_function || module.entry(name).is_some() {
        return Err(error(line, format!("`{name}` is declared twice")));
    }
    Ok(name)
}

fn table(cursor: &mut Cursor<'_>, space: TableSpace, module: &mut Module) -> Result<(), PtxError> {
    let line = cursor.line();
    let alignment = alignment(cursor)?;
    let width = cursor.dotted(entry_type)?.bytes();
    if alignment < width {
        return Err(error(line, format!("entries of {width} bytes are aligned to {alignment}")));
    }
    let name = new_name(cursor, module)?.to_string();
    cursor.expect("[")?;
    let count = cursor.count(MOST_ENTRIES)?;
    cursor.expect("] = {")?;
    let mut bytes = Vec::new();
    for number in 0..count {
        if number > 0 {
            cursor.expect(",")?;
        }
        table_entry(cursor, width, &mut bytes)?;
    }
    cursor.expect("} ;")?;
    module.tables.add(Table { name, space, alignment: u64::from(alignment), bytes });
    if module.tables.constant_bytes() > MOST_CONSTANT_BYTES {
        return Err(error(
            line,
            format!(".const tables have more than {MOST_CONSTANT_BYTES} bytes"),
        ));
    }
    Ok(())
}

fn table_entry(cursor: &mut Cursor<'_>, width: u32, bytes: &mut Vec<u8>) -> Result<(), PtxError> {
    let line = cursor.line();
    let value = cursor.integer()?;
    let bits = integer(value, 8 * width)
        .ok_or_else(|| error(line, format!("{value} does not fit {width} bytes")))?;
    bytes.extend(bits.to_le_bytes().into_iter().zip(0..width).map(|(byte, _)| byte));
    Ok(())
}

fn entry_type(name: &str) -> Option<Type> {
    match name {
        "b8" => Some(Type::U8),
        "b16" | "b32" | "b64" => Type::named(name),
        _ => None,
    }
}

/// `.align 8`.
pub(super) fn alignment(cursor: &mut Cursor<'_>) -> Result<u32, PtxError> {
    let line = cursor.line();
    cursor.expect(".align")?;
    let alignment = cursor.count(8)?;
    if !alignment.is_power_of_two() {
        return Err(error(line, format!("an alignment of {alignment}")));
    }
    Ok(alignment)
}

/// The type of a scalar `.param` of functions and calls.
pub(super) fn param_type(name: &str) -> Option<Type> {
    match name {
        "b32" | "b64" | "f32" | "f64" => Type::named(name),
        _ => None,
    }
}

fn function(cursor: &mut Cursor<'_>, module: &mut Module) -> Result<(), PtxError> {
    cursor.expect("( .param")?;
    let results_line = cursor.line();
    let alignment = alignment(cursor)?;
    let (results, bytes) = byte_array(cursor)?;
    cursor.expect(")")?;
    let name = new_name(cursor, module)?;
    let mut body = Body::new(module, name);
    for (line, name, ty) in parameters(cursor, param_type)? {
        body.declare(line, name, Role::Argument, ty.bytes(), ty.bytes())?;
        body.function.parameters.push(Parameter { words: ty.bytes() / 4 });
    }
    body.declare(results_line, results, Role::Result, bytes, alignment)?;
    body.function.result_words = bytes / 4;
    let function = body.parse(cursor)?;
    module.functions.push(function);
    Ok(())
}

/// `.b8 results[24]`: its name and bytes, whole words.
pub(super) fn byte_array<'t>(cursor: &mut Cursor<'t>) -> Result<(&'t str, u32), PtxError> {
    cursor.expect(".b8")?;
    let name = cursor.name()?;
    cursor.expect("[")?;
    let line = cursor.line();
    let bytes = cursor.count(MOST_RESULT_BYTES)?;
    if !bytes.is_multiple_of(4) {
        return Err(error(line, format!("{bytes} bytes are no whole words")));
    }
    cursor.expect("]")?;
    Ok((name, bytes))
}

/// `(.param .b64 a0, .param .b32 a1)`.
fn parameters<'t>(
    cursor: &mut Cursor<'t>,
    named: impl Fn(&str) -> Option<Type>,
) -> Result<Vec<(u32, &'t str, Type)>, PtxError> {
    cursor.expect("(")?;
    let mut all = Vec::new();
    while !cursor.take(')') {
        if !all.is_empty() {
            cursor.expect(",")?;
        }
        cursor.expect(".param")?;
        let ty = cursor.dotted(&named)?;
        all.push((cursor.line(), cursor.name()?, ty));
    }
    Ok(all)
}

fn entry(cursor: &mut Cursor<'_>, module: &mut Module) -> Result<(), PtxError> {
    cursor.expect(".entry")?;
    let name = new_name(cursor, module)?;
    let mut body = Body::new(module, name);
    let named = |name: &str| if name == "u64" { Some(Type::U64) } else { None };
    let all = parameters(cursor, named)?;
    for (index, &(line, name, ty)) in all.iter().enumerate() {
        body.declare(line, name, Role::Kernel(index), ty.bytes(), ty.bytes())?;
    }
    let most_threads = if cursor.take_word(".maxntid") { Some(block_size(cursor)?) } else { None };
    // It decides about registers alone, and says that one block may have them all.
    if most_threads.is_some() && cursor.take_word(".minnctapersm") {
        cursor.expect("1")?;
    }
    let body = body.parse(cursor)?;
    module.entries.push(Entry { body, n_params: all.len(), most_threads });
    Ok(())
}

/// `256, 1, 1`.
fn block_size(cursor: &mut Cursor<'_>) -> Result<u32, PtxError> {
    let most = cursor.count(MOST_THREADS)?;
    cursor.expect(", 1 , 1")?;
    Ok(most)
}

/// The error of a token that nothing expects.
pub(super) fn surprising(token: Token<'_>) -> PtxError {
    error(token.line, format!("`{}` is not in the subset", token.text))
}
