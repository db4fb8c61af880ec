//! Which names are functions of the language, and what an unknown name may have meant.

use fuse_ir::DType;
use fuse_ops::derived::Derived;
use fuse_ops::{Form, Op};
use fuse_syntax::Code;

/// Is it a function of the language? No statement may bind such a name.
pub(super) fn is_function(name: &str) -> bool {
    let is_built = DType::from_name(name).is_some() || Op::function(name).is_some();
    let written = Derived::function(name).is_some() || Form::named(name).is_some();
    is_built || written
}

/// What mathematicians and other libraries call functions of the language.
pub(super) fn called_here(name: &str) -> Option<&'static str> {
    match name {
        "ln" => Some("log"),
        "lb" => Some("log2"),
        "lg" => Some("log10"),
        "sgn" => Some("sign"),
        "gammaln" | "loggamma" => Some("lgamma"),
        "logistic" => Some("sigmoid"),
        "fmin" => Some("minimum"),
        "fmax" => Some("maximum"),
        _ => None,
    }
}

/// Functions that the language leaves to others, with the code that says what to do instead.
pub(super) fn elsewhere(name: &str) -> Option<Code> {
    match name {
        "matmul" | "inner" | "outer" | "einsum" | "tensordot" | "solve" | "inv" | "det" => {
            Some(Code::Matmul)
        }
        "cumsum" | "cumprod" | "diff" | "sort" | "argsort" | "median" | "quantile"
        | "percentile" | "histogram" | "unique" | "partition" => Some(Code::OrderDependent),
        "take" | "compress" | "extract" | "choose" | "nonzero" => Some(Code::FancyIndexing),
        "datetime64" | "timedelta64" => Some(Code::Datetime),
        "rand" | "randn" | "random" | "normal" | "uniform" | "randint" => Some(Code::Random),
        _ => None,
    }
}

/// The candidate at the least edit distance, if it is near enough to be a typing error: what "did you
/// mean" offers. The first one of several at the same distance.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (name.chars().count() / 3).max(1);
    candidates
        .map(|candidate| (edit_distance(name, candidate), candidate))
        .filter(|&(distance, _)| distance <= limit)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and exchanges of neighbours that lead from `a` to `b`.
fn edit_distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) =
        (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut rows: [Vec<usize>; 3] = [vec![], (0..=b.len()).collect(), vec![]];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = replaced.min(rows[1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[0][j - 2] + 1);
            }
            row.push(least);
        }
        rows = [std::mem::take(&mut rows[1]), row, vec![]];
    }
    rows[1][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let names = ["sqrt", "floor", "sum"];
        assert_eq!(nearest("sqtr", names.into_iter()), Some("sqrt"));
        assert_eq!(nearest("flor", names.into_iter()), Some("floor"));
        assert_eq!(nearest("cosine", names.into_iter()), None);
    }
}
