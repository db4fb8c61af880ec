//! The corpus: formulas, inputs and the bits that they must give, on every back end.

pub(crate) mod compare;
pub(crate) mod coverage;
pub(crate) mod format;
pub(crate) mod regenerate;
mod run;
mod sabotage;

/// A test for each corpus file.
macro_rules! themes {
    ($($theme:ident),* $(,)?) => {
        $(
            #[test]
            fn $theme() {
                run::theme(stringify!($theme));
            }
        )*

        #[test]
        fn every_file_has_its_test() {
            assert_eq!(format::themes(), [$(stringify!($theme)),*]);
        }
    };
}

themes! {
    all_casts, arithmetic, bool_logic, broadcasting, casts, comparisons, complex, derived, dtype_functions,
    dtype_pairs, empty, errors, extrema, functions, generators, half, integer_division, integer_widths,
    literals, min_max, powers, powers_float, programs, promotion, reductions, reductions_special, relaxed,
    remainders, results, rounding, rules, shifts, signs, slices, special, sums, text, tutorials,
}
