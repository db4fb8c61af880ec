"""Interleaved timing: what counts are ratios of least times, found in one process.

A round gives every contender its turn, in an order that rotates. A turn is 10 ms of untimed calls, then
one timed call: threads of the contender before that spin after their work have gone to sleep by then,
and caches, clock and memory are as this contender keeps them. (Idle or busy waiting instead was tried:
after it, work beyond the L2 cache took 1.4 times as long, since the memory side of the chip slows down
within milliseconds.) A run is a dozen rounds. The least time of a contender counts as found when three
runs have come within 15 % of it; until then runs are repeated, up to a limit, and the record says by
how much they still differed.

Before a run the process looks at what others do with the machine, and has some patience: on two cores,
one that another process keeps busy makes nonsense of every figure for two threads.
"""

import os
import time

RUNS = 3
MORE_RUNS = 9
ROUNDS = 12
SPREAD = 0.15
WARM = 0.01
SLOW = 20_000_000
QUIET = 0.2
LOOK = 0.3


class Machine:
    """What other processes do meanwhile."""

    def __init__(self, patience):
        self.patience = patience
        self.seen = []

    def wait(self):
        """Waits until others use less than a fifth of a core, while patience lasts; notes the cores."""
        busy = self._others()
        while busy > QUIET and self.patience > 0:
            self.patience -= LOOK
            busy = self._others()
        self.seen.append(round(busy, 2))

    def taken(self):
        """Cores that others used before each run since the last look."""
        seen, self.seen = self.seen, []
        return seen

    @staticmethod
    def _others():
        def idle():
            with open("/proc/stat") as file:
                fields = file.readline().split()
            return int(fields[4]) + int(fields[5])

        before, start = idle(), time.perf_counter()
        time.sleep(LOOK)
        ticks = (time.perf_counter() - start) * os.sysconf("SC_CLK_TCK")
        return max(0.0, os.cpu_count() - (idle() - before) / ticks)


def least(runs):
    """The least of all runs' times."""
    return min(min(run) for run in runs)


def spread(runs):
    """How far the third best run stays behind the best one; 0.1 for ten per cent."""
    minima = sorted(min(run) for run in runs)
    return minima[RUNS - 1] / minima[0] - 1


def measure(contenders, machine, calls=1):
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
        machine.wait()
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
    resume = time.perf_counter() + WARM
    while (not runs[0] or min(runs[0]) < SLOW) and time.perf_counter() < resume:
        call()
    start = time.perf_counter_ns()
    call()
    return time.perf_counter_ns() - start
