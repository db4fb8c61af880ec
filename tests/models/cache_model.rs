//! Formulas by text: one for all who ask at the same time; what is pushed out lives on.

use std::collections::HashMap;

use crate::cache::Cache;
use crate::sync::{Arc, RwLock};
use crate::thing::{Factory, Thing, Threads, same, together};

/// What [`Cache`] does, right or wrong.
trait Formulas: Send + Sync + 'static {
    fn ask(&self, name: u64, factory: &Factory) -> Arc<Thing>;
}

impl<const KEPT: usize> Formulas for Cache<Thing, KEPT> {
    fn ask(&self, name: u64, factory: &Factory) -> Arc<Thing> {
        self.find_or_make(&name.to_string(), || factory.make(name)).expect("it can be made")
    }
}

/// Asks for each name on a thread of its own, the last on this one.
fn ask_all<F: Formulas>(formulas: &Arc<F>, names: &[u64], factory: &Factory) -> Vec<Arc<Thing>> {
    let ask = |name: u64| {
        let (formulas, factory) = (Arc::clone(formulas), factory.clone());
        move || {
            let formula = formulas.ask(name, &factory);
            formula.check(name);
            formula
        }
    };
    together(names.iter().map(|&name| ask(name)))
}

fn one_text_is_one_formula<F: Formulas>(threads: Threads, new: fn() -> F) {
    threads.model(move |names| {
        let (formulas, factory) = (Arc::new(new()), Factory::default());
        let all = ask_all(&formulas, names, &factory);
        assert!(same(&all), "one formula for all");
        assert_eq!(factory.live(), 1, "those that came second were given back");
        drop((all, formulas));
        assert_eq!(factory.live(), 0, "nobody has it");
    });
}

#[test]
fn threads_that_ask_for_one_text_get_one_formula() {
    one_text_is_one_formula(Threads::Two, Cache::<Thing, 2>::new);
    one_text_is_one_formula(Threads::Three, Cache::<Thing, 2>::new);
}

#[test]
fn a_formula_that_is_pushed_out_lives_on_with_its_user() {
    loom::model(|| {
        let (formulas, factory) = (Arc::new(Cache::<Thing, 1>::new()), Factory::default());
        let all = ask_all(&formulas, &[1, 2], &factory);
        for (formula, name) in all.iter().zip([1, 2]) {
            formula.check(name);
        }
        drop(all);
        assert_eq!(factory.live(), 1, "one is kept");
        drop(formulas);
        assert_eq!(factory.live(), 0, "nobody has it");
    });
}

/// One thread uses a formula that is kept, another pushes one out: the other one, or the same one before or after.
#[test]
fn what_is_used_meanwhile_is_whole_whichever_goes() {
    loom::model(|| {
        let (formulas, factory) = (Arc::new(Cache::<Thing, 2>::new()), Factory::default());
        drop((formulas.ask(1, &factory), formulas.ask(2, &factory)));
        let all = ask_all(&formulas, &[1, 3], &factory);
        drop(all);
        assert_eq!(factory.live(), 2, "two are kept");
        formulas.ask(3, &factory).check(3);
        drop(formulas);
        assert_eq!(factory.live(), 0, "nobody has them");
    });
}

/// Keeps the last of those that were made at the same time.
struct Overwriting(RwLock<HashMap<u64, Arc<Thing>>>);

impl Formulas for Overwriting {
    fn ask(&self, name: u64, factory: &Factory) -> Arc<Thing> {
        let known = self.0.read().expect("no panic").get(&name).cloned();
        known.unwrap_or_else(|| {
            let formula = Arc::new(factory.make(name).expect("it can be made"));
            self.0.write().expect("no panic").insert(name, Arc::clone(&formula));
            formula
        })
    }
}

#[test]
#[should_panic(expected = "one formula for all")]
fn planted_formulas_that_overwrite_each_other() {
    one_text_is_one_formula(Threads::Two, || Overwriting(RwLock::new(HashMap::new())));
}
