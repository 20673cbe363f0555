#!/usr/bin/env python3
"""Holds awards against what the end-to-end tests' oracle makes of the same events.

  agree.py EVENTS AWARDS...

Files hold one JSON line a record. Prints one JSON object for each file of awards; exit code 0 only if all agree.
"""
import json
import sys
from collections import defaultdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests/e2e/oracle"))

from oracle import compare_awards, fold, lines  # noqa: E402


def main():
    events, *outputs = map(Path, sys.argv[1:])
    learners, outcomes, refused = fold(lines(events))
    expected = sum(len(learner.lines) for learner in learners.values())
    is_right = True
    for path in outputs:
        problems = defaultdict(list)
        awards = list(lines(path))
        missing, doubled, foreign = compare_awards(learners, awards, problems)
        # A run that pays nothing would agree with an oracle that wants nothing.
        agrees = not (missing or doubled or foreign or refused) and expected > 0
        is_right = is_right and agrees
        print(json.dumps({
            "output": path.stem, "agrees": agrees, "learners": len(learners), "events": sum(outcomes.values()),
            "duplicates": outcomes["duplicate"] + outcomes["conflict"], "awards": len(awards), "missing": missing,
            "doubled": doubled, "foreign": foreign}), flush=True)
        if problems:
            print(json.dumps(problems, indent=1, default=str), file=sys.stderr)
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
