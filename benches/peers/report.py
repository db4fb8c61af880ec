"""Tables in Markdown from a record, and the tables of docs/performance.md.

A record holds every round; nothing is typed in by hand. A target's line says how it is computed from
the record.
"""

import operator
import re
from statistics import mean, median

from timing import SPREAD, least, spread

NOT_PEERS = ("fuse", "copy")

# Functions of a million elements, and how much of the best peer's time fuse may take: less than all of it
# everywhere. The best peer is the fastest that has the function, whichever that is.
FASTER = {
    "exp": 0.65, "log": 1, "sin": 0.2, "cos": 1, "tan": 1, "tanh": 1, "arctan": 1, "log1p": 1, "expm1": 1,
    "power": 1, "cbrt": 1, "erf": 1, "normal density": 1,
}


def _row(record, name, threads):
    found = [row for row in record["rows"] if row["name"] == name and row["threads"] == threads]
    return found[0] if found else None


def _contenders(row, start):
    return {name: least(runs) for name, runs in row["times"].items() if name.startswith(start)}


def _ratio(record, name, threads, peer):
    """Best time of that peer over fuse's; None where the row was not measured."""
    row = _row(record, name, threads)
    if row is None:
        return None
    return min(_contenders(row, peer).values()) / least(row["times"]["fuse"])


def _call(record, name):
    times = record.get("calls")
    return least(times[name]) / 1000 if times else None


def _first(record):
    times = record.get("first_results")
    return median(times["fuse"]) / 1e6 if times else None


def _scaling(record):
    rows = [_row(record, "polynomial", threads) for threads in (1, record["cores"])]
    if None in rows:
        return None
    return least(rows[0]["times"]["fuse"]) / least(rows[1]["times"]["fuse"])


def _times_numba(record, name):
    ratio = _ratio(record, name, record["cores"], "Numba")
    return ratio and 1 / ratio


def _function(name, *peers):
    """The fastest of these peers' times over fuse's."""

    def measure(record):
        ratios = [_ratio(record, name, record["cores"], peer) for peer in peers]
        return None if None in ratios else min(ratios)

    return measure


def _best_peer(name):
    """fuse's time over that of the fastest peer that has the function."""

    def measure(record):
        row = _row(record, name, record["cores"])
        if row is None:
            return None
        peers = [least(runs) for peer, runs in row["times"].items() if peer not in NOT_PEERS]
        return least(row["times"]["fuse"]) / min(peers)

    return measure


def _functions(bounds, described, *peers):
    """A line for each function."""
    return [
        (f"{name}, all cores: {described} / fuse", ">=", bound, "", _function(name, *peers))
        for name, bound in bounds.items()
    ]


SENSES = {"<": ("<", operator.lt), "<=": ("≤", operator.le), ">=": ("≥", operator.ge)}

TARGETS = [
    ("powers, all cores: numexpr / fuse", ">=", 8, "", lambda r: _ratio(r, "powers", r["cores"], "numexpr")),
    ("powers, all cores: fuse / Numba", "<=", 1.25, "", lambda r: _times_numba(r, "powers")),
    ("linear into memory, all cores: fuse / Numba", "<=", 1.15, "", lambda r: _times_numba(r, "linear")),
    ("new formula, text to first result, median", "<=", 1.5, " ms", _first),
    ("prepared call on 16 elements", "<=", 0.5, " µs", lambda r: _call(r, "fuse, prepared")),
    ("`evaluate` of known text on 16 elements", "<=", 1.5, " µs", lambda r: _call(r, "fuse, text")),
    ("polynomial: one thread / all cores", ">=", 1.8, "", _scaling),
    *[
        (f"{name}, all cores: fuse / the best peer", "<" if bound == 1 else "<=", bound, "", _best_peer(name))
        for name, bound in FASTER.items()
    ],
    *_functions(
        {"exp": 1.8, "sin": 1.8, "cos": 1.8, "tan": 1.8, "tanh": 1.8, "arctan": 1.8, "power": 1.8,
         "normal density": 1.8, "log": 1.3},
        "the faster of numexpr and Numba", "numexpr", "Numba",
    ),
    *_functions({"sum(x**2)": 6}, "numexpr", "numexpr"),
    ("sum(x**2), all cores: fuse / Numba", "<=", 1.2, "", lambda r: _times_numba(r, "sum(x**2)")),
    *_functions(
        {"standardize": 3, "distances, 1000 points in 3-d": 12,
         "distances, 10000 points in 5-d to 100": 8, "distances, 10000 points in 2-d to 5": 8},
        "NumPy", "NumPy",
    ),
    *_functions({"product, 500 x 300 x 400": 1}, "Numba's three loops", "Numba (three loops)"),
]


def targets(record):
    """Target beside measured."""
    lines = ["| | target | measured | |", "|---|---|---|---|"]
    for name, sense, bound, unit, measure in TARGETS:
        value = measure(record)
        if value is None:
            continue
        sign, holds = SENSES[sense]
        met = holds(value, bound)
        lines.append(
            f"| {name} | {sign} {bound}{unit} | {value:.4g}{unit} | {'met' if met else '**missed**'} |"
        )
    return "\n".join(lines)


def _figure(row, start):
    """The best form's ns per element and its ratio to fuse, as `4.67 (11.1)`."""
    found = _contenders(row, start)
    if not found:
        return "–"
    name = min(found, key=found.get)
    time, ours = found[name], least(row["times"]["fuse"])
    form = name[len(start) :].strip(" ()")
    mark = "~" if spread(row["times"][name]) > SPREAD else ""
    text = f"{mark}{time / row['count']:.3g} ({time / ours:.2f})"
    return f"{text} {form}" if form else text


def elementwise(record):
    """One line a row and number of threads."""
    lines = [
        "| work | elements | threads | fuse | Numba | JAX | numexpr | NumPy | copy | others |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in _group(record, "elementwise"):
        ours = row["times"]["fuse"]
        mark = "~" if spread(ours) > SPREAD else ""
        text = row["text"] if len(row["text"]) < 60 else "degree 30 by Horner's rule"
        text = "x + x**2 + … + x**8" if row["name"] == "powers" else text
        policy = {"into": ", into `out`", "new": ", new array", "sum": ""}[row["policy"]]
        figures = [f"{mark}{least(ours) / row['count']:.3g}"]
        figures += [_figure(row, peer) for peer in ("Numba", "JAX", "numexpr", "NumPy", "copy")]
        figures.append(f"{mean(row['others']):.1f}")
        lines.append(
            f"| `{text}`{policy} | {row['count']:,} | {row['threads']} | {' | '.join(figures)} |"
        )
    return "\n".join(lines)


def _group(record, name):
    """The rows of a table; records from before there were two of them have no groups."""
    return [row for row in record["rows"] if row.get("group", "elementwise") == name]


def tutorials(record):
    """One line a formula of the tutorials: times of a call."""
    lines = [
        "| | formula | iterations | fuse, µs a call | Numba | numexpr | NumPy |",
        "|---|---|---|---|---|---|---|",
    ]
    for row in _group(record, "tutorials"):
        ours = row["times"]["fuse"]
        mark = "~" if spread(ours) > SPREAD else ""
        text = row["text"].replace("result += 17; " * 9, "result += 17; … ")
        figures = [f"{mark}{least(ours) / 1000:.4g}"]
        figures += [_times_ours(row, peer) for peer in ("Numba", "numexpr", "NumPy")]
        lines.append(f"| {row['name']} | `{text}` | {row['count']:,} | {' | '.join(figures)} |")
    return "\n".join(lines)


def _times_ours(row, start):
    """Each form's time over fuse's, as `2.13 (three loops)`."""
    found = _contenders(row, start)
    ours = least(row["times"]["fuse"])
    figures = []
    for name, time in found.items():
        mark = "~" if spread(row["times"][name]) > SPREAD else ""
        figures.append(f"{mark}{time / ours:.2f}{name[len(start):]}")
    return ", ".join(figures) or "–"


def small(record):
    """Calls on sixteen elements, and new formulas."""
    lines = ["| | fuse | the others |", "|---|---|---|"]
    calls = record.get("calls")
    if calls:
        for title, unit in (("call on 16 elements, µs", 1e3),):
            shown = {name: f"{least(runs) / unit:.3g}" for name, runs in calls.items()}
            ours = [f"{v} {n[6:]}" for n, v in shown.items() if n.startswith("fuse")]
            others = [f"{n} {v}" for n, v in shown.items() if not n.startswith("fuse")]
            lines.append(f"| {title} | {', '.join(ours)} | {'; '.join(others)} |")
    first = record.get("first_results")
    if first:
        shown = {name: f"{median(times) / 1e6:.3g}" for name, times in first.items()}
        others = [f"{n} {v} ({len(first[n])} formulas)" for n, v in shown.items() if n != "fuse"]
        title = f"new formula of 20 to 40 nodes, ms, median of {len(first['fuse'])}"
        lines.append(f"| {title} | {shown['fuse']} | {'; '.join(others)} |")
    return "\n".join(lines)


def origin(record):
    """Where the figures come from."""
    machine, load = record["machine"], record["load"]
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items())
    return "\n".join(
        [
            f"* Machine: {machine['model']}, {record['cores']} cores, L2 {machine['l2']}, "
            f"L3 {machine['l3']}, {machine['memory_gib']} GiB, {machine['system']}.",
            f"* fuse at commit `{record['commit']}`, back end {record['backend']}.",
            f"* {versions}.",
            f"* `{record['command']}` on {record['date']}; load of the machine {load[0]} before and "
            f"{load[1]} after, of which the measurement itself is about 1; niceness of the process "
            f"{record['priority'][0]}, of its session {record['priority'][1]}.",
        ]
    )


def markdown(record):
    """The whole report."""
    return "\n\n".join(
        [
            f"# fuse beside its peers, {record['date']}",
            origin(record),
            "## Targets",
            targets(record),
            "## Time per element",
            "ns per element, least of all rounds; in brackets the ratio to fuse (above 1: fuse is "
            "faster), and the form of the peer that was fastest. `~`: three runs did not come within "
            "15 % of each other. `copy`: moving the same bytes with the same threads. `others`: cores that "
            "other processes kept busy just before the runs.",
            elementwise(record),
            "## The tutorials' formulas",
            "Time of a call in microseconds, and the peers' times over it: above 1, fuse is faster.",
            tutorials(record),
            "## Before the first element",
            small(record),
        ]
    ) + "\n"


def publish(record, name, page):
    """Rewrites the generated parts of a page, which stand between marks."""
    text = page.read_text()
    parts = {
        "origin": f"{origin(record)}\n* Every round: [benches/peers/record/{name}.json]"
        f"(../benches/peers/record/{name}.json).",
        "targets": targets(record),
        "elementwise": elementwise(record),
        "tutorials": tutorials(record),
        "small": small(record),
    }
    for part, content in parts.items():
        pattern = rf"(<!-- {part}: generated -->\n).*?(\n<!-- end -->)"
        text, count = re.subn(pattern, lambda m: m[1] + content + m[2], text, flags=re.DOTALL)
        assert count == 1, f"{page.name} has no place for `{part}`"
    page.write_text(text)
