//! The committed tables: `tests/accuracy/tables/NAME-DTYPE.txt`, written by `tests/accuracy/make.py`.

use std::path::Path;

use super::{Format, Reference};

/// Arguments of one function and the exact values there.
#[derive(Clone, Debug, Default)]
pub struct Table {
    /// The arguments' bits: a vector for each argument.
    pub args: Vec<Vec<u64>>,
    /// The exact values.
    pub references: Vec<Reference>,
}

impl Table {
    /// Reads a table of so many arguments.
    ///
    /// # Errors
    /// What is wrong with the file, and where.
    pub fn read(file: &Path, arity: usize, format: Format) -> Result<Table, String> {
        let place = |line: usize| format!("{}:{}", file.display(), line + 1);
        let text =
            std::fs::read_to_string(file).map_err(|error| format!("{}: {error}", place(0)))?;
        let mut table = Table { args: vec![vec![]; arity], references: vec![] };
        for (number, line) in text.lines().enumerate() {
            let wrong = || format!("{}: not {arity} arguments, a result and a rest", place(number));
            let mut words = line.split(' ');
            let mut bits = || {
                let word = words.next().ok_or_else(wrong)?;
                u64::from_str_radix(word, 16).map_err(|_| wrong())
            };
            for arg in &mut table.args {
                arg.push(bits()?);
            }
            let nearest = format.value(bits()?);
            let rest: f64 = words.next().and_then(|word| word.parse().ok()).ok_or_else(wrong)?;
            table.references.push(Reference { nearest, rest: rest / 65536.0 });
        }
        Ok(table)
    }

    /// Number of points.
    pub fn len(&self) -> usize {
        self.references.len()
    }

    /// Is it empty?
    pub fn is_empty(&self) -> bool {
        self.references.is_empty()
    }

    /// The arguments of one point, as values.
    pub fn point(&self, index: usize, format: Format) -> Vec<f64> {
        self.args.iter().map(|arg| format.value(arg[index])).collect()
    }
}
