//! A module: tables, functions, then the entries of every pass.
//!
//! Tables and functions of equal text are one, whichever passes they come from. A function's calls name what
//! was made before it, so that equal regions have equal text exactly if all they call is equal.

use std::fmt::{self, Write as _};

use fuse_ir::device::{Entry, ModuleOptions};
use fuse_ir::{DeviceError, Kernel, Program, Table};
use rustc_hash::FxHashMap;

use crate::entry::EntryBody;
use crate::region::Scope;
use crate::{LEAST_CAPABILITY, elementwise, fold};

/// Bytes that all constant tables together may take.
const CONST_BYTES: usize = 64 << 10;

/// Bytes of a kernel's parameters that every driver takes.
const PARAM_BYTES: usize = 4096;

/// Bytes of a module's text: about ten seconds of the assembler's time.
const TEXT_BYTES: usize = 16 << 20;

/// What a kernel's regions and tables are called.
#[derive(Debug, Default)]
pub(crate) struct Names {
    pub(crate) regions: Vec<String>,
    pub(crate) tables: Vec<TableName>,
}

/// A table's name and where it lies.
#[derive(Clone, Debug)]
pub(crate) struct TableName {
    pub(crate) name: String,
    pub(crate) space: Space,
}

/// Where a table lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Space {
    /// `.const`: 64 KiB for a module.
    Const,
    /// `.global`, where that is full.
    Global,
}

impl Space {
    /// The instruction that reads from it.
    pub(crate) const fn load(self) -> &'static str {
        match self {
            Space::Const => "ld.const",
            Space::Global => "ld.global.nc",
        }
    }

    const fn directive(self) -> &'static str {
        match self {
            Space::Const => ".const",
            Space::Global => ".global",
        }
    }
}

#[derive(Default)]
struct Module {
    tables: String,
    functions: String,
    entries: String,
    known_tables: FxHashMap<Table, TableName>,
    known_functions: FxHashMap<String, String>,
    const_bytes: usize,
}

/// The text of a program's module.
pub(crate) fn module(program: &Program, options: ModuleOptions) -> Result<String, DeviceError> {
    let mut module = Module::default();
    for (number, pass) in program.passes.iter().enumerate() {
        let names = module.names(&pass.kernel);
        let scope = Scope { kernel: &pass.kernel, names: &names };
        for &form in Entry::ALL.iter().filter(|form| form.exists(pass)) {
            let n_params = form.params(pass).len();
            if 8 * n_params > PARAM_BYTES {
                let most = PARAM_BYTES / 8;
                let what = format!(
                    "pass {number} has so many operands and axes that its kernel takes {n_params} \
                     parameters, the limit is {most}; split the formula"
                );
                return Err(DeviceError::Unsupported(what));
            }
            let mut entry = EntryBody::new(pass, scope, form, options);
            match form {
                Entry::Uniform => elementwise::uniform(&mut entry),
                Entry::Vector => elementwise::vector(&mut entry),
                Entry::Contiguous => elementwise::contiguous(&mut entry),
                Entry::Strided => elementwise::strided(&mut entry),
                Entry::FoldLanes => fold::lanes(&mut entry),
                Entry::FoldOutputs => fold::outputs(&mut entry),
                Entry::FoldShort => fold::short(&mut entry),
                Entry::Merge => fold::merge(&mut entry),
                Entry::Finish => fold::finish(&mut entry),
            }
            module.entries.push('\n');
            module.entries.push_str(&entry.finish(&form.symbol(number)));
        }
        if module.bytes() > TEXT_BYTES {
            let what = format!("its kernels take more than {TEXT_BYTES} bytes of PTX; split it");
            return Err(DeviceError::Unsupported(what));
        }
    }
    Ok(module.to_string())
}

impl Module {
    fn bytes(&self) -> usize {
        self.tables.len() + self.functions.len() + self.entries.len()
    }

    /// Names for a kernel's tables and called regions, which are added where they are new.
    fn names(&mut self, kernel: &Kernel) -> Names {
        let mut names = Names::default();
        for table in &kernel.tables {
            let name = self.table(table);
            names.tables.push(name);
        }
        for region in &kernel.regions {
            let text = Scope { kernel, names: &names }.function(region);
            let name = self.function(text, region.results.len());
            names.regions.push(name);
        }
        names
    }

    fn table(&mut self, table: &Table) -> TableName {
        if let Some(known) = self.known_tables.get(table) {
            return known.clone();
        }
        let (bits, size) = (table.lane.bits().max(8), table.lane.mem().size());
        let bytes = size * table.entries.len();
        let fits = self.const_bytes + bytes <= CONST_BYTES;
        self.const_bytes += if fits { bytes } else { 0 };
        let space = if fits { Space::Const } else { Space::Global };
        let name = format!("table{}", self.known_tables.len());
        let (directive, len) = (space.directive(), table.entries.len());
        let _ = write!(self.tables, "{directive} .align {size} .b{bits} {name}[{len}] = {{");
        for (position, entry) in table.entries.iter().enumerate() {
            let separator = match position {
                0 => "\n\t",
                _ if position.is_multiple_of(4) => ",\n\t",
                _ => ", ",
            };
            let _ = write!(self.tables, "{separator}{entry:#x}");
        }
        self.tables.push_str("\n};\n");
        let name = TableName { name, space };
        self.known_tables.insert(table.clone(), name.clone());
        name
    }

    /// The name of the function of that text.
    fn function(&mut self, text: String, n_results: usize) -> String {
        if let Some(known) = self.known_functions.get(&text) {
            return known.clone();
        }
        let name = format!("region{}", self.known_functions.len());
        let results = format!(".param .align 8 .b8 results[{}]", 8 * n_results);
        let _ = write!(self.functions, "\n.func ({results}) {name}{text}");
        self.known_functions.insert(text, name.clone());
        name
    }
}

impl fmt::Display for Module {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = LEAST_CAPABILITY;
        write!(f, ".version 6.0\n.target sm_{major}{minor}\n.address_size 64\n")?;
        if !self.tables.is_empty() {
            f.write_str("\n")?;
        }
        f.write_str(&self.tables)?;
        f.write_str(&self.functions)?;
        f.write_str(&self.entries)
    }
}
