//! Target `parse`: any bytes as a formula.

use std::thread;

use fuse_syntax::{
    Ast, Code, Color, Diagnostic, Node, Span, Statement, SubscriptItem, SyntaxLimits,
};

use crate::PLANTED;
use crate::written::written;

/// The least stack that the parser promises to work with.
const STACK: usize = 256 << 10;

/// Texts up to this length are drawn with carets when they are refused.
const RENDERED: usize = 4 << 10;

/// Parses bytes as text, with the limits of one's own formulas and those of strangers'.
///
/// # Panics
/// When the parser breaks a promise.
pub fn parse(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    thread::scope(|scope| {
        let check = || {
            check(&text, &SyntaxLimits::untrusted());
            check(&text, &SyntaxLimits::default());
        };
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, check);
        thread.expect("a thread").join().expect("no promise is broken");
    });
}

fn check(text: &str, limits: &SyntaxLimits) {
    let result = fuse_syntax::parse(text, limits);
    assert_eq!(fuse_syntax::parse(text, limits).err(), result.as_ref().err().cloned());
    match result {
        Ok(ast) => {
            assert!(text.len() <= limits.source_bytes);
            planted(&ast);
            check_tree(&ast);
            check_written(&ast);
            assert!(!ast.to_text().is_empty());
        }
        Err(errors) => check_errors(text, &errors),
    }
}

/// What the module page of `ast.rs` promises.
fn check_tree(ast: &Ast) {
    let mut users = vec![0_usize; ast.nodes().len()];
    for (id, _) in ast.iter() {
        ast.operands(id, &mut |operand| {
            assert!(operand < id, "operands come first");
            users[operand.index()] += 1;
            assert!(contains(ast.span(id), ast.span(operand)), "a node covers its operands");
        });
        for span in [ast.span(id), ast.token_span(id)] {
            assert!(ast.source().get(span.range()).is_some_and(|text| !text.is_empty()));
        }
        assert!(contains(ast.span(id), ast.token_span(id)));
    }
    let roots = ast.statements().map(|statement| match statement {
        Statement::Assign { .. } | Statement::Function { .. } => 1,
        Statement::Results(list) => list.len(),
    });
    let unused = users.iter().filter(|&&count| count == 0).count();
    assert_eq!(unused, roots.sum::<usize>(), "every node has one user");
    assert!(users.iter().all(|&count| count <= 1), "every node has one user");
    assert!(!ast.results().is_empty());
}

fn contains(outer: Span, inner: Span) -> bool {
    outer.start <= inner.start && inner.end <= outer.end
}

/// The program with all brackets is the same program, unless the brackets are too many.
fn check_written(ast: &Ast) {
    let text = written(ast);
    let limits = SyntaxLimits { source_bytes: 1 << 24, nesting: 256, nodes: 1 << 20 };
    match fuse_syntax::parse(&text, &limits) {
        Ok(again) => assert_eq!(written(&again), text),
        Err(errors) => {
            let code = errors[0].code;
            let known = [Code::NestingTooDeep, Code::TooManyNodes, Code::SourceTooLong];
            assert!(known.contains(&code), "{text:?}: {errors:?}");
        }
    }
}

fn check_errors(text: &str, errors: &[Diagnostic]) {
    assert!(!errors.is_empty());
    for error in errors {
        assert!(!error.labels.is_empty(), "{error}");
        assert!(error.message.chars().all(|c| !c.is_control()), "{error}");
        for label in &error.labels {
            assert!(text.get(label.span.range()).is_some(), "{error}");
        }
        if text.len() <= RENDERED {
            let page = error.render(text, Color::Never);
            assert!(page.chars().all(|c| c == '\n' || !c.is_control()), "{page:?}");
        }
    }
}

/// Defect: a new axis of a function's result is not expected.
fn planted(ast: &Ast) {
    for node in ast.nodes() {
        let Node::Subscript { value, items } = *node else { continue };
        let new_axis = ast.items(items).contains(&SubscriptItem::NewAxis);
        let is_call = matches!(ast.node(value), Node::Call { .. });
        assert!(!(PLANTED && new_axis && is_call), "planted");
    }
}
