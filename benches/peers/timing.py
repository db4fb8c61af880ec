"""Interleaved timing: what counts are ratios of least times, found in one process.

A round calls every contender once, in an order that turns from round to round; before each timed call
stands a pause, in which threads that spin after their work go to sleep, and an untimed call, so that
every contender finds the caches as it leaves them. The pause is a busy one: a process that has slept
is soon interrupted by whoever else wants the core, in the middle of a call of some milliseconds. A run is a dozen rounds or more. The least time of
a contender counts as found when three runs have come within 15 % of it; until then runs are repeated,
up to a limit, and the record says by how much they still differed.
"""

import time

RUNS = 3
MORE_RUNS = 9
ROUNDS = 12
SPREAD = 0.15
PAUSE = 0.01
SLOW = 20_000_000


def least(runs):
    """The least of all runs' times."""
    return min(min(run) for run in runs)


def spread(runs):
    """How far the third best run stays behind the best one; 0.1 for ten per cent."""
    minima = sorted(min(run) for run in runs)
    return minima[RUNS - 1] / minima[0] - 1


def measure(contenders, calls=1):
    """Times in ns of one call, by contender, run and round.

    `contenders`: functions by name; each makes `calls` calls itself.
    """
    times = {name: [] for name in contenders}
    order = list(contenders)
    for run in range(RUNS + MORE_RUNS):
        if run >= RUNS:
            if all(spread(runs) <= SPREAD for runs in times.values()):
                break
            order = [name for name, runs in times.items() if not _settled(runs)]
        for name in order:
            times[name].append([])
        for round_number in range(ROUNDS):
            start = round_number % len(order)
            for name in order[start:] + order[:start]:
                times[name][-1].append(_sample(contenders[name], times[name]) / calls)
    return {name: [[round(t, 1) for t in run] for run in runs] for name, runs in times.items()}


def _settled(runs):
    """Is it slow, and its least time found? Then further runs leave it out."""
    return least(runs) > SLOW and spread(runs) <= SPREAD


def _sample(call, runs):
    resume = time.perf_counter() + PAUSE
    while time.perf_counter() < resume:
        pass
    if not runs[0] or min(runs[0]) < SLOW:
        call()
    start = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - start
