"""Does the search find what trying everything finds, in a fraction of the time? Prints a table in Markdown.

Each model is optimized twice, with an empty cache both times: by the search with its default budget, and by the
exhaustive sweep (`exhaustive=True`), which makes every technique, variant and serving setting on every runtime that
opens files, measures all of them to the end, looks at the accuracy of all, and lets the best race once more in turns.
Keras's own call paths, which win for none of these models in `optimize.py`, and techniques that want training are left
out of the sweep. The regret is how much slower the search's winner is than the sweep's best *in the sweep's own table*,
so that both were measured there. Wanted: a regret of at most 5% (or none that the interval can tell), at no more than
30% of the sweep's time.

Usage: python benchmarks/search.py [--models small_cnn,mlp,...]
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import tempfile

import seats
import subjects

MODELS = ("small_cnn", "sudoku_ocr", "mlp", "lstm", "transformer", "fashion_cnn")
FILES = ("litert", "onnxruntime", "openvino")
REGRET = 1.05
SHARE = 0.30
_SWEEP_S = 3600.0


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", default=",".join(MODELS))
    chosen = parser.parse_args().models.split(",")
    print(f"{dt.date.today()}, the cache empty at the start of each run\n")
    print("| model | search | candidates | sweep | candidates | time | found | sweep's best | regret | held |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in chosen:
        print(_row(subjects.EVERY[name]()), flush=True)


def _row(subject: subjects.Subject) -> str:
    found = _optimized(subject, exhaustive=False)
    sweep = _optimized(subject, exhaustive=True)
    search_s, sweep_s = (each.optimization.profile.elapsed_s for each in (found, sweep))
    winner, best = found.optimization.best, sweep.optimization.best
    cells = [subject.name, f"{search_s:.0f} s", str(_tried(found)), f"{sweep_s:.0f} s", str(_tried(sweep))]
    if winner is None or best is None:
        return "| " + " | ".join([*cells, f"{search_s / sweep_s:.0%}", str(winner), str(best), "-", "no"]) + " |"
    names = {result.name for result in sweep.results if result.status == "measured"}
    if winner in names:
        compared = sweep.compare(winner, best)
        ratio, low, high = compared.ratio, compared.low, compared.high
    else:
        # A combination of settings that the sweep, which varies one at a time, did not come to: the two take turns.
        both = [
            seats.Seat(name, each.package.runtime, str(each.package.artifact), each.package.lowering)
            for name, each in (("search", found.best), ("sweep", sweep.best))
        ]
        seats.race(both, [subject.inputs[:1]])
        ratio, low, high = seats.ratio(*both)
    within = ratio <= REGRET or low <= 1.0
    regret = "the same" if winner == best else f"{ratio - 1:+.1%} ({low - 1:+.1%} to {high - 1:+.1%})"
    held = "yes" if within and search_s <= SHARE * sweep_s else "no"
    short = [each.partition("/")[2] for each in (winner, best)]
    return "| " + " | ".join([*cells, f"{search_s / sweep_s:.0%}", *short, regret, held]) + " |"


def _optimized(subject: subjects.Subject, *, exhaustive: bool) -> object:
    import inferspeed_magic as im

    options = {"budget_s": _SWEEP_S, "runtimes": FILES} if exhaustive else {}
    with tempfile.TemporaryDirectory() as cache:
        os.environ["INFERSPEED_MAGIC_CACHE"] = cache
        return im.optimize(
            {"model": subject.model},
            subject.data,
            max_accuracy_drop=subject.max_drop,
            exhaustive=exhaustive,
            progress=False,
            **options,
        )


def _tried(report: object) -> int:
    return sum(result.status == "measured" for result in report.results)


if __name__ == "__main__":
    main()
