//! Plans of a formula: made once, whoever asks; a failure keeps nobody waiting; what is pushed out lives on.

use loom::thread;

use crate::plans::Plans;
use crate::sync::{Arc, Mutex, RwLock};
use crate::thing::{Factory, Refused, Thing, Threads, same, together};

/// What [`Plans`] does, right or wrong.
trait SingleFlight: Send + Sync + Sized + 'static {
    fn new() -> Self;

    fn ask(
        &self,
        name: u64,
        make: impl FnOnce() -> Result<Thing, Refused>,
    ) -> Result<Arc<Thing>, Refused>;
}

impl<const KEPT: usize> SingleFlight for Plans<Thing, KEPT> {
    fn new() -> Self {
        Plans::new()
    }

    fn ask(
        &self,
        name: u64,
        make: impl FnOnce() -> Result<Thing, Refused>,
    ) -> Result<Arc<Thing>, Refused> {
        self.find_or_make(|thing| thing.name == name, make)
    }
}

type Make = fn(&Factory, u64) -> Result<Thing, Refused>;

/// Asks for each name on a thread of its own, the last on this one.
fn ask_all<S: SingleFlight>(
    plans: &Arc<S>,
    names: &[u64],
    factory: &Factory,
    make: Make,
) -> Vec<Result<Arc<Thing>, Refused>> {
    let ask = |name: u64| {
        let (plans, factory) = (Arc::clone(plans), factory.clone());
        move || {
            let plan = plans.ask(name, || make(&factory, name))?;
            plan.check(name);
            Ok(plan)
        }
    };
    together(names.iter().map(|&name| ask(name)))
}

fn one_plan_is_made_once<S: SingleFlight>(threads: Threads) {
    threads.model(|names| {
        let (plans, factory) = (Arc::new(S::new()), Factory::default());
        let all = ask_all(&plans, names, &factory, Factory::make);
        let all: Vec<_> = all.into_iter().map(|plan| plan.expect("it can be made")).collect();
        assert_eq!(factory.made(), 1, "made once");
        assert!(same(&all), "one plan for all");
        drop((all, plans));
        assert_eq!(factory.live(), 0, "nobody has it");
    });
}

fn a_failure_keeps_nobody_waiting<S: SingleFlight>(threads: Threads) {
    threads.model(|names| {
        let (plans, factory) = (Arc::new(S::new()), Factory::default());
        let all = ask_all(&plans, names, &factory, Factory::make_but_the_first);
        let got: Vec<_> = all.into_iter().flatten().collect();
        let others = names.len() - 1;
        assert_eq!((got.len(), factory.made()), (others, 1), "one is refused, others share one");
        assert!(same(&got), "one plan for all");
    });
}

#[test]
fn threads_that_need_one_plan_wait_for_one() {
    one_plan_is_made_once::<Plans<Thing, 2>>(Threads::Two);
    one_plan_is_made_once::<Plans<Thing, 2>>(Threads::Three);
}

#[test]
fn a_plan_that_cannot_be_made_keeps_nobody_waiting() {
    a_failure_keeps_nobody_waiting::<Plans<Thing, 2>>(Threads::Two);
    a_failure_keeps_nobody_waiting::<Plans<Thing, 2>>(Threads::Three);
}

#[test]
fn threads_that_need_different_plans_get_their_own() {
    loom::model(|| {
        let (plans, factory) = (Arc::new(Plans::<Thing, 2>::new()), Factory::default());
        for plan in ask_all(&plans, &[1, 2], &factory, Factory::make) {
            plan.expect("it can be made");
        }
        assert_eq!((factory.made(), factory.live()), (2, 2), "both are kept");
    });
}

/// Two plans, of which one is kept.
#[test]
fn a_plan_that_is_pushed_out_lives_on_with_its_user() {
    loom::model(|| {
        let (plans, factory) = (Arc::new(Plans::<Thing, 1>::new()), Factory::default());
        let all = ask_all(&plans, &[1, 2], &factory, Factory::make);
        for (plan, name) in all.iter().zip([1, 2]) {
            plan.as_ref().expect("it can be made").check(name);
        }
        drop(all);
        assert_eq!(factory.live(), 1, "the others were given back");
        drop(plans);
        assert_eq!(factory.live(), 0, "nobody has it");
    });
}

/// Looks, then makes: two threads look before one has made it.
struct Unguarded(RwLock<Vec<Arc<Thing>>>);

impl SingleFlight for Unguarded {
    fn new() -> Self {
        Unguarded(RwLock::new(Vec::new()))
    }

    fn ask(
        &self,
        name: u64,
        make: impl FnOnce() -> Result<Thing, Refused>,
    ) -> Result<Arc<Thing>, Refused> {
        let known = self.0.read().expect("no panic").iter().find(|plan| plan.name == name).cloned();
        if let Some(plan) = known {
            return Ok(plan);
        }
        let plan = Arc::new(make()?);
        self.0.write().expect("no panic").push(Arc::clone(&plan));
        Ok(plan)
    }
}

#[test]
#[should_panic(expected = "made once")]
fn planted_plans_that_are_not_made_one_at_a_time() {
    one_plan_is_made_once::<Unguarded>(Threads::Two);
}

/// Says that a plan is being made, and does not take it back where it could not be.
struct Forgetful {
    being_made: Mutex<bool>,
    plan: RwLock<Option<Arc<Thing>>>,
}

impl SingleFlight for Forgetful {
    fn new() -> Self {
        Forgetful { being_made: Mutex::new(false), plan: RwLock::new(None) }
    }

    fn ask(
        &self,
        _: u64,
        make: impl FnOnce() -> Result<Thing, Refused>,
    ) -> Result<Arc<Thing>, Refused> {
        if !std::mem::replace(&mut *self.being_made.lock().expect("no panic"), true) {
            let plan = Arc::new(make()?);
            *self.plan.write().expect("no panic") = Some(Arc::clone(&plan));
            return Ok(plan);
        }
        loop {
            if let Some(plan) = &*self.plan.read().expect("no panic") {
                return Ok(Arc::clone(plan));
            }
            thread::yield_now();
        }
    }
}

#[test]
fn the_forgetful_one_is_right_where_nothing_fails() {
    one_plan_is_made_once::<Forgetful>(Threads::Two);
}

#[test]
#[should_panic(expected = "maximum number of branches")]
fn planted_plans_whose_failure_keeps_others_waiting() {
    a_failure_keeps_nobody_waiting::<Forgetful>(Threads::Two);
}
