"""Does `explain` name the right cause, and do its gains come true? Prints two tables in Markdown.

(a) For every cause, a model built to have it and one built to look like it and not have it, each explained several
times. Wanted: the right cause is named first for the former in at least 90% of the runs, and never with a confidence
of 0.8 or more for the latter. Why int8 does not help is another question than where the time goes: there, the first
of the findings that answer it counts. Whether subnormal numbers cost anything on this processor is measured first.
(b) Every finding of the first run that promises a gain is verified: the median difference between the promised and the
measured gain. Wanted: at most 15%.

Usage: python benchmarks/explain.py [--runs 10] [--causes memory_bound,...] [--no-gains]
"""

from __future__ import annotations

import argparse
import datetime as dt
import statistics
from collections import Counter

from causes import CASES, Case

_HIGH = 0.8


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--causes", default="")
    parser.add_argument("--no-gains", action="store_true")
    asked = parser.parse_args()
    chosen = [case for case in CASES if not asked.causes or case.cause in asked.causes.split(",")]
    print(f"{dt.date.today()}, {asked.runs} runs each\n")
    print("| cause | model | has it | named first | named | with high confidence | first otherwise | held |")
    print("|---|---|---|---|---|---|---|---|")
    gains: list[tuple[str, float, float]] = []
    for case in chosen:
        print(_row(case, asked.runs, None if asked.no_gains else gains), flush=True)
    if gains:
        errors = [abs(promised / measured - 1) for _, promised, measured in gains]
        print("\n| finding | promised | measured |\n|---|---|---|")
        for words, promised, measured in gains:
            print(f"| {words} | {promised:.2f}x | {measured:.2f}x |")
        print(f"\nMedian difference over {len(gains)} findings: {statistics.median(errors):.0%} (wanted: at most 15%)")


def _row(case: Case, runs: int, gains: list[tuple[str, float, float]] | None) -> str:
    import inferspeed_magic as im

    first: Counter[str] = Counter()
    named = sure = 0
    models, has_it = case.models(), case.has_it
    if case.costs is not None and has_it:
        has_it = case.costs()
    for number in range(runs):
        report = im.explain(models, progress=False, seed=number, **case.options)
        found = [finding for finding in report.findings if finding.cause == case.cause]
        answers = [each.cause for each in report.findings if not case.among or each.cause in case.among]
        first[answers[0] if answers else "nothing"] += 1
        named += bool(found)
        sure += any(finding.confidence >= _HIGH for finding in found)
        if gains is not None and number == 0:
            for finding in report.findings:
                if finding.expected_gain is not None:
                    promised, measured = float(finding.expected_gain), float(finding.verify(progress=False))
                    gains.append((f"{finding.cause} of {case.words}", promised, measured))
    held = first[case.cause] >= 0.9 * runs if has_it else not sure and not first[case.cause]
    others = ", ".join(f"{cause} ({count})" for cause, count in first.most_common() if cause != case.cause) or "-"
    cells = [
        case.cause,
        case.words,
        _whether(case, has_it),
        f"{first[case.cause]}/{runs}",
        f"{named}/{runs}",
    ]
    return "| " + " | ".join([*cells, f"{sure}/{runs}", others, "yes" if held else "no"]) + " |"


def _whether(case: Case, has_it: bool) -> str:  # noqa: FBT001
    return "yes" if has_it else "no, as measured" if case.has_it else "no"


if __name__ == "__main__":
    main()
