//! Smaller formulas that fail alike.

use super::{Form, Subject, Tree};

/// Evaluations that one shrinking may cost.
const MOST_TRIES: usize = 400;

/// Drops subtrees as long as `fails` holds: a node gives way to an argument or to a variable of its
/// dtype; the root to any of its arguments.
pub fn shrink(subject: &Subject, mut fails: impl FnMut(&Subject) -> bool) -> Subject {
    let mut best = subject.clone();
    let mut tries = 0;
    loop {
        let candidates = smaller(&best);
        let mut better = None;
        for tree in candidates {
            tries += 1;
            if tries > MOST_TRIES {
                return best;
            }
            let candidate = Subject { tree, ..best.clone() };
            if fails(&candidate) {
                better = Some(candidate);
                break;
            }
        }
        match better {
            Some(candidate) => best = candidate,
            None => return best,
        }
    }
}

/// All trees that are one step smaller, the smallest first.
fn smaller(subject: &Subject) -> Vec<Tree> {
    let tree = &subject.tree;
    let mut out: Vec<Tree> = tree.args.iter().filter(|arg| !arg.is_literal()).cloned().collect();
    replace_inside(tree, subject, &mut |replaced| out.push(replaced));
    out.retain(|candidate| candidate.len() < tree.len());
    out.sort_by_key(Tree::len);
    out
}

fn replace_inside(tree: &Tree, subject: &Subject, give: &mut dyn FnMut(Tree)) {
    for (position, arg) in tree.args.iter().enumerate() {
        let with = |replacement: Tree| {
            let mut args = tree.args.clone();
            args[position] = replacement;
            Tree::new(tree.dtype, tree.form.clone(), args)
        };
        if arg.args.is_empty() {
            continue;
        }
        let variables = subject.operands.iter().enumerate();
        for (index, _) in variables.filter(|(_, operand)| operand.dtype == arg.dtype).take(2) {
            give(with(Tree::new(arg.dtype, Form::Variable(index), Vec::new())));
        }
        for inner in arg.args.iter().filter(|inner| inner.dtype == arg.dtype && !inner.is_literal())
        {
            give(with(inner.clone()));
        }
        replace_inside(arg, subject, &mut |replaced| give(with(replaced)));
    }
}
