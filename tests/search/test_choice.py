"""Which candidates win, which lie on the front, and the way from the original to the winner."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import profile_records
import pytest

from inferspeed_magic.profiling.candidate import Candidate
from inferspeed_magic.profiling.racing import is_slower
from inferspeed_magic.records import Accuracy, Block, Goal, Interval
from inferspeed_magic.runtimes.base import Lowering
from inferspeed_magic.search.choice import pareto, ranked, way_to
from inferspeed_magic.search.ideas import Idea
from inferspeed_magic.search.schooling import ways
from inferspeed_magic.search.settings import close_behind
from inferspeed_magic.search.trial import Trial, cost, too_big

GOAL = Goal()


def trial(way, p50_us, drop=0.0, *, size_mb=1.0, rejected=None, judged=True, spread=0.01):
    """A trial that was measured in ten rounds; ``way`` is ``runtime+technique[variant]``."""
    runtime, _, rest = way.partition("+")
    technique, _, variant = rest.partition("[")
    idea = Idea(runtime, technique or "none", variant.rstrip("]"))
    made = Candidate(SimpleNamespace(name="m"), SimpleNamespace(name=runtime, group=None), Lowering())
    made.technique, made.variant = idea.technique, idea.variant
    made.artifact = SimpleNamespace(size_mb=size_mb, route="")
    made.processes = [object()]
    made.peak_memory_mb = 100.0
    made.opened = {"load_ms": 1.0, "compile_ms": 1.0, "first_inference_ms": 1.0}
    for number in range(10):
        ns = int(p50_us * 1e3 * (1 + spread * (number % 3 - 1)))
        made.blocks.append(Block(number, number % 2, number * 0.1, 10 * ns, (ns,) * 10))
    accuracy = Accuracy(0.9 - drop, 0.9, Interval(drop, drop - 0.005, drop + 0.005), 500)
    return Trial(idea, made, selection=accuracy if judged else None, rejected=rejected)


def names(trials):
    return [each.idea.way for each in trials]


def test_the_fastest_that_may_win_is_first():
    trials = [
        trial("litert", 100),
        trial("litert+post_training_static", 30, 0.05, rejected="accuracy"),
        trial("onnxruntime+post_training_static", 50, 0.005),
        trial("openvino", 20, judged=False),
    ]
    assert names(ranked(trials, GOAL)) == ["onnxruntime+post_training_static", "litert"]


def test_of_what_cannot_be_told_apart_the_least_changed_is_first():
    equal = [trial("litert+post_training_static[1 thread]", 99.9), trial("litert+post_training_static", 100.1)]
    assert names(ranked([*equal, trial("litert", 100.0)], GOAL))[0] == "litert"
    assert names(ranked(equal, GOAL))[0] == "litert+post_training_static"


def test_what_can_be_told_apart_is_not_swapped():
    assert names(ranked([trial("litert", 120), trial("litert+float16", 100)], GOAL))[0] == "litert+float16"


def test_where_intervals_are_wide_the_medians_decide():
    noisy = [trial("litert", 100, spread=0.6), trial("litert+post_training_dynamic", 80, spread=-0.6)]
    assert not is_slower(noisy[0].candidate, noisy[1].candidate)
    assert names(ranked(noisy, GOAL))[0] == "litert+post_training_dynamic"


def test_for_size_the_smallest_file_wins():
    goal = replace(GOAL, target="size")
    trials = [trial("litert", 10, size_mb=4.0), trial("litert+post_training_static", 50, size_mb=1.0)]
    assert names(ranked(trials, goal))[0] == "litert+post_training_static"
    assert cost(trials[0], goal) == 4.0


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        (replace(GOAL, max_size_mb=0.5), "its file has 1 MB, more than the 0.5 MB allowed"),
        (replace(GOAL, max_memory_mb=50), "its process took 100 MB of memory, more than the 50 MB allowed"),
        (replace(GOAL, max_size_mb=1.0, max_memory_mb=100), None),
    ],
)
def test_bounds(goal, words):
    assert too_big(trial("litert", 10), goal) == words


def result(name, p50_ms, drop=None):
    found = Accuracy(0.9 - drop, 0.9, Interval(drop, drop - 0.005, drop + 0.005), 500) if drop is not None else None
    return replace(profile_records.result(f"m/{name}", p50_ms=p50_ms), selection=found)


def test_the_front_holds_what_nothing_beats_in_both():
    results = [
        result("keras.predict", 1.0, 0.0),
        result("litert", 0.1, 0.0),
        result("onnxruntime", 0.2, 0.0),
        result("litert+post_training_static", 0.03, 0.05),
        result("onnxruntime+post_training_static", 0.05, 0.005),
        result("openvino+post_training_static", 0.06, 0.006),
        result("openvino", 0.01),
        profile_records.failed("m/tvm"),
    ]
    assert [each.way for each in pareto(results)] == [
        "litert+post_training_static",
        "onnxruntime+post_training_static",
        "litert",
    ]


def test_of_equally_fast_ones_the_more_accurate_is_on_the_front():
    results = [result("litert+float16", 0.1, 0.01), result("litert", 0.1, 0.0)]
    assert [each.way for each in pareto(results)] == ["litert"]


def test_what_an_earlier_run_saw_cannot_win():
    remembered = trial("litert+float16", 500)
    remembered.remembered = result("litert+float16", 0.001, 0.0)
    assert names(ranked([remembered, trial("litert", 100)], GOAL)) == ["litert"]


def test_the_way_names_each_step_once():
    original, plain = trial("keras.predict", 1000), trial("litert", 100)
    static = trial("litert+post_training_static", 50)
    winner = trial("litert+post_training_static[1 thread]", 40)
    steps = way_to(winner, [original, plain, static, winner], original)
    assert names(step for step, _ in steps) == [
        "keras.predict",
        "litert",
        "litert+post_training_static",
        "litert+post_training_static[1 thread]",
    ]
    assert [words for _, words in steps][1] == "litert in place of keras.predict"
    assert [words for _, words in steps][3] == "1 thread"


def test_the_way_leaves_out_what_was_not_measured():
    original, winner = trial("keras.predict", 1000), trial("litert+float16", 100)
    assert names(step for step, _ in way_to(winner, [original, winner], original)) == [
        "keras.predict",
        "litert+float16",
    ]
    assert names(step for step, _ in way_to(original, [original], original)) == ["keras.predict"]


def test_close_ones_are_given_one_thread_too():
    leader = trial("litert+post_training_static", 100)
    trials = [
        leader,
        trial("onnxruntime", 140),
        trial("onnxruntime+post_training_dynamic", 120),
        trial("openvino", 160),
        trial("litert+float16", 110, 0.3, rejected="accuracy"),
        trial("litert+post_training_static[1 thread]", 105),
    ]
    assert names(close_behind(trials, leader)) == ["onnxruntime+post_training_dynamic", "onnxruntime"]


def test_the_way_to_a_trained_winner_shows_what_training_brought():
    original, plain, static = (
        trial("keras.predict", 1000),
        trial("litert", 100),
        trial("litert+post_training_static", 50),
    )
    half = trial("litert+structured_pruning+post_training_static[50%]", 25)
    winner = trial("litert+structured_pruning+post_training_static[50%, 1 thread]", 20)
    for each in (half, winner):
        each.candidate.taught_by = SimpleNamespace(trained=True, settings=())
    steps = way_to(winner, [original, plain, static, half, winner], original)
    assert [each.idea.way for each, _ in steps] == [
        "keras.predict",
        "litert",
        "litert+post_training_static",
        "litert+structured_pruning+post_training_static[50%]",
        "litert+structured_pruning+post_training_static[50%, 1 thread]",
    ]
    assert "50%" in steps[3][1]
    assert steps[4][1] == "1 thread"


def test_what_is_trained_runs_as_the_best_do_and_as_was_asked_for():
    trials = [
        trial("litert", 10),
        trial("litert+float16", 20),
        trial("openvino", 30),
        trial("onnxruntime", 40),
        trial("openvino+post_training_static", 50),
        trial("litert+post_training_static", 60),
    ]
    # As the contest leaves them: whoever is slower is closed, and its accuracy is not looked at.
    for slower in trials[3:]:
        slower.open, slower.candidate.processes, slower.rejected = False, [], "slower"
    assert names(ways(trials, GOAL)) == ["litert", "litert+float16", "openvino"]
    asked = ways(trials, GOAL, ["litert", "distillation", "float16", "post_training_static"])
    assert names(asked) == ["litert", "litert+float16", "openvino", "openvino+post_training_static"]


def test_the_way_to_a_named_student_shows_what_it_learned_and_then_its_threads():
    original, plain = trial("keras.predict", 1000), trial("litert", 100)
    student, winner = (
        trial(f"litert+distillation[{words}]", ms) for words, ms in (("small", 25), ("small, 1 thread", 20))
    )
    for each in (student, winner):
        each.candidate.taught_by = SimpleNamespace(trained=True, settings=(("student", "small"),))
    steps = way_to(winner, [original, plain, student, winner], original)
    assert [each.idea.variant for each, _ in steps] == ["", "", "small", "small, 1 thread"]
    assert "small" in steps[2][1]
    assert steps[3][1] == "1 thread"
