#!/usr/bin/env python3
"""Every threat of docs/reliability.md has a test that ran.

    python3 tests/threats/check.py docs/reliability.md OUTPUT... [--skips FILE] [--allowed FILE]
    python3 tests/threats/check.py --self-test

OUTPUT is what `cargo test` printed: lines `test NAME ... ok`. Fails on a number from 1 to 46 without a row, a
row without a test, a named test that did not run, failed or was ignored, and on one that skipped itself for a
reason that is not in the list of allowed ones; allowed skips are printed. Skips are recorded by module, so a
row is said to be skipped where the module of one of its tests has skipped something. Python 3, nothing else.
"""

import re
import sys
from pathlib import Path

NUMBERS = range(1, 47)

ROW = re.compile(r"^\|\s*(\d+)\s*\|(.*)\|\s*$")
#: In the last column; files and commands that stand beside tests have points, slashes or spaces.
NAME = re.compile(r"`([A-Za-z_]\w*(?:::\w+)*)`")
#: What a test prints may come between its name and its end, where threads share the terminal.
RAN = re.compile(r"^test (\S+)(?: - should panic)? \.\.\. (.*)$")
ENDS = ("ok", "FAILED", "ignored")


def rows(page):
    """Number, and tests by name, of each line of the table."""
    found = []
    for line in page.splitlines():
        match = ROW.match(line)
        if match:
            tests = match.group(2).rsplit("|", 1)[-1]
            found.append((int(match.group(1)), NAME.findall(tests)))
    return found


def outcomes(output):
    """The end of each test that ran; of one that ran several times, the worst."""
    found, open_test = {}, None
    for line in output.splitlines():
        match = RAN.match(line)
        if match:
            open_test, rest = match.groups()
        elif open_test is not None:
            rest = line
        else:
            continue
        end = next((end for end in ENDS if re.search(rf"(^|\s|\W){end}(\s|,|$)", rest)), None)
        if end is None:
            continue
        found[open_test] = end if found.get(open_test, "ok") == "ok" else found[open_test]
        open_test = None
    return found


def skipped(lines):
    """Reasons of skips by module, without the name of the crate: `suite::promises::limits: key: why`."""
    found = {}
    for line in lines:
        module, _, reason = line.partition(": ")
        found.setdefault("::".join(module.split("::")[1:]), []).append((line, reason))
    return found


def check(page, output, skips=(), allowed=()):
    """What is wrong, and what is to be known."""
    wrong, known = [], []
    table, ran, skips = rows(page), outcomes(output), skipped(skips)
    numbers = [number for number, _ in table]
    wrong += [f"row {number} is missing" for number in NUMBERS if number not in numbers]
    wrong += [f"row {number} is no threat" for number in sorted(set(numbers) - set(NUMBERS))]
    wrong += [f"row {number} is there twice" for number in sorted(set(numbers)) if numbers.count(number) > 1]
    for number, tests in table:
        if not tests:
            wrong.append(f"row {number} has no test")
        for test in tests:
            end = ran.get(test)
            if end is None:
                wrong.append(f"row {number}: {test} did not run")
            elif end != "ok":
                wrong.append(f"row {number}: {test}: {end}")
            for line, _ in skips.get(test.rpartition("::")[0], []):
                if any(rule in line for rule in allowed):
                    known.append(f"row {number}: {test.rpartition('::')[0]} has skipped: {line}")
                else:
                    wrong.append(f"row {number}: {test.rpartition('::')[0]} has skipped: {line}")
    return list(dict.fromkeys(wrong)), list(dict.fromkeys(known)), len({t for _, ts in table for t in ts})


def lines_of(path):
    path = Path(path)
    return [line for line in path.read_text().splitlines() if line.strip()] if path.exists() else []


def main(arguments):
    files, options = [], {"--skips": None, "--allowed": None}
    words = iter(arguments)
    for word in words:
        if word in options:
            options[word] = next(words)
        else:
            files.append(word)
    if len(files) < 2:
        sys.exit(__doc__)
    page, output = Path(files[0]).read_text(), "\n".join(Path(file).read_text() for file in files[1:])
    skips = lines_of(options["--skips"]) if options["--skips"] else []
    allowed = lines_of(options["--allowed"]) if options["--allowed"] else []
    wrong, known, tests = check(page, output, skips, [rule for rule in allowed if not rule.startswith("#")])
    for line in known:
        print("skipped:", line)
    for line in wrong:
        print("wrong:", line)
    if wrong:
        sys.exit(1)
    print(f"{len(NUMBERS)} threats, {tests} tests, all of which ran")


def self_test():
    """A page and an output that are right, and what is found when one thing is wrong."""
    page = "".join(f"| {n} | what | that | `a::b::t{n}`, `.ci/extended` |\n" for n in NUMBERS)
    output = "".join(f"test a::b::t{n} ... ok\n" for n in NUMBERS)

    def found(page=page, output=output, skips=(), allowed=()):
        return check(page, output, skips, allowed)[0]

    def expect(part, **changes):
        messages = found(**changes)
        assert len(messages) == 1 and part in messages[0], (part, messages)

    assert found() == [], found()
    expect("row 7 has no test", page=page.replace("`a::b::t7`, ", ""))
    expect("row 7 is missing", page=page.replace("| 7 | what", "| what"))
    expect("row 47 is no threat", page=page + "| 47 | x | y | `a::b::t1` |\n")
    expect("row 7 is there twice", page=page + "| 7 | x | y | `a::b::t1` |\n")
    expect("row 7: a::b::u did not run", page=page.replace("a::b::t7`", "a::b::u`"))
    expect("row 7: a::b::t7 did not run", output=output.replace("test a::b::t7 ... ok\n", ""))
    expect("row 7: a::b::t7: FAILED", output=output.replace("t7 ... ok", "t7 ... FAILED"))
    expect("row 7: a::b::t7: FAILED", output=output + "test a::b::t7 ... FAILED\n")
    expect("row 7: a::b::t7: FAILED", output="test a::b::t7 ... FAILED\n" + output)
    expect("row 7: a::b::t7: ignored", output=output.replace("t7 ... ok", "t7 ... ignored, too long"))
    # A test that prints before it ends.
    assert found(output=output.replace("t7 ... ok", "t7 ... 3 live\n12 more\nok")) == []
    expect("t7: FAILED", output=output.replace("t7 ... ok", "t7 ... 3 live\nFAILED"))
    expect("t46 did not run", output=output.replace("t46 ... ok", "t46 ... and the process ended"))
    skip = "main::a::b: python: there is none"
    assert all("has skipped" in message for message in found(skips=[skip]))
    assert len(found(skips=[skip])) == len(NUMBERS)
    assert found(skips=[skip], allowed=["a::b: python"]) == []
    assert found(skips=["main::a::c: python: there is none"]) == []
    assert check(page, output, [skip], ["python"])[1], "allowed skips are reported"
    print("the check fails on a row without a test, an unknown test, a test that failed, and a skip")


if __name__ == "__main__":
    self_test() if sys.argv[1:] == ["--self-test"] else main(sys.argv[1:])
