//! What all passes share: which rules may fire, the fuel left, and the report.

use fuse_ops::Op;

use super::describe::describe;
use super::report::{MAX_DESCRIBED, OptReport, Rewrite, Roundings};
use super::rules::{RuleClass, RuleName};
use super::{Mode, OptConfig};
use crate::graph::{Graph, Node, NodeId};

/// One run of the pipeline.
pub(super) struct Session {
    config: OptConfig,
    report: OptReport,
}

/// The rounding counts of the same monomials before and after a rewrite.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) before: Roundings,
    pub(super) after: Roundings,
}

/// A node that a pass is looking at, in the graph before the pass.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) graph: &'a Graph,
    pub(super) id: NodeId,
}

impl Site<'_> {
    /// Has the replacement the type of the node it replaces?
    pub(super) fn keeps_type(self, next: &Graph, replacement: NodeId) -> bool {
        next.dtype(replacement) == self.graph.dtype(self.id)
            && next.shape(replacement) == self.graph.shape(self.id)
    }
}

impl Session {
    pub(super) fn new(config: OptConfig) -> Session {
        Session { config, report: OptReport::default() }
    }

    /// May the rule fire now?
    pub(super) fn may(&self, rule: RuleName) -> bool {
        let allowed = match (self.config.mode, rule.row().class) {
            (Mode::Relaxed, _) | (Mode::Strict, RuleClass::Exact) => true,
            (Mode::Strict, RuleClass::Relaxed) => false,
        };
        let fueled = self.config.fuel.is_none_or(|fuel| self.report.total() < fuel);
        allowed && fueled && self.config.disabled != Some(rule)
    }

    /// Records that the rule put `new` in the place of the site, and gives what stands there now:
    /// `new`, but for a rule that a fault injection test sabotages.
    pub(super) fn fired(
        &mut self,
        rule: RuleName,
        site: Site<'_>,
        next: &mut Graph,
        new: NodeId,
        counts: Counts,
    ) -> NodeId {
        self.report.add(rule);
        if self.report.rewrites.len() < MAX_DESCRIBED {
            self.report.rewrites.push(Rewrite {
                rule,
                before: describe(site.graph, site.id),
                after: describe(next, new),
                roundings_before: counts.before,
                roundings_after: counts.after,
                span: site.graph.span(site.id),
            });
        }
        if self.config.sabotaged == Some(rule) { opposite(next, new) } else { new }
    }

    pub(super) fn finish(self) -> OptReport {
        self.report
    }
}

/// The negated value: a wrong result that any test of values must notice.
fn opposite(graph: &mut Graph, id: NodeId) -> NodeId {
    let (dtype, span) = (graph.dtype(id), graph.span(id));
    if let Node::Apply(Op::Neg, args) = graph.node(id) {
        return args[0];
    }
    let is_number = dtype.is_float() || dtype.is_integer() || dtype.is_complex();
    let op = if is_number { Op::Neg } else { Op::Not };
    graph.apply(op, &[id], dtype, span)
}
