"""Records as JSON and back."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from profile_records import interval, record, result, trial, usual

from inferspeed_magic.errors import UserError
from inferspeed_magic.records import Epoch, Interval, ProfileRecord
from inferspeed_magic.records.json_form import from_json, to_json


def strict(text):
    """Read as strict readers do: Python's own NaN and Infinity are no JSON."""

    def refuse(constant):
        raise AssertionError(constant)

    return json.loads(text, parse_constant=refuse)


def broken(**changes):
    return json.dumps(strict(to_json(usual())) | changes)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None, max_examples=60)
@given(st.builds(ProfileRecord, schema_version=st.just(1)))
def test_any_record_survives(original):
    text = to_json(original)
    strict(text)
    # repr tells NaN from NaN no more than we do, and all other floats exactly.
    assert repr(from_json(text)) == repr(original)
    assert to_json(from_json(text)) == text  # with raw latencies, which repr leaves out


def test_an_ordinary_record_survives_with_its_raw_latencies():
    original = record(result(trials=(trial(100.0, sustained=True),)), usual().results[-1])
    again = from_json(to_json(original))
    assert again == original
    assert isinstance(again.results[0].measurement.blocks[0].latencies_ns, tuple)


def test_how_a_result_was_trained_survives_and_may_be_missing():
    epochs = (Epoch(1, 0.5, 0.6, 2.0, 0.91), Epoch(2, math.inf, 0.4, 4.0, None, 2))
    original = record(result(training=epochs))
    data = strict(to_json(original))
    assert from_json(json.dumps(data)).results[0].training == epochs
    del data["results"][0]["training"]
    assert from_json(json.dumps(data)).results[0].training == ()


def test_numbers_that_json_lacks_survive():
    odd = record(result(summary={"p50_ms": Interval(math.nan, -math.inf, math.inf)}))
    p50 = from_json(to_json(odd)).results[0].summary.p50_ms
    assert math.isnan(p50.value)
    assert (p50.low, p50.high) == (-math.inf, math.inf)


def test_scalars_of_numpy_become_plain_numbers():
    with_numpy = record(result(batch_size=np.int64(4), artifact_mb=np.float32(0.5), summary={"stable": np.bool_(True)}))  # noqa: FBT003
    again = from_json(to_json(with_numpy)).results[0]
    assert (again.batch_size, again.artifact_mb, again.summary.stable) == (4, 0.5, True)


def test_fields_that_an_older_version_did_not_write_take_their_defaults():
    data = strict(to_json(usual()))
    del data["notes"], data["results"][0]["route"]
    again = from_json(json.dumps(data))
    assert again.notes == ()
    assert again.results[0].route is None


def test_a_newer_schema_says_what_to_do():
    with pytest.raises(UserError, match=r"newer inferspeed_magic \(schema 99.*pip install --upgrade"):
        from_json(broken(schema_version=99))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "garbage",
        "[" * 100_000,
        "null",
        "[1, 2]",
        "{}",
        '{"schema_version": 1}',
        '{"schema_version": true}',
        '{"schema_version": "1"}',
        broken(results=[{"model": "deep"}]),
        broken(results=7),
        broken(machine=None),
        broken(elapsed_s="long"),
        broken(elapsed_s=True),
        broken(interrupted="yes"),
        broken(created=7),
        broken(request={"runtimes": ["litert"], "scenario": "poem"}),
        to_json(usual())[:500],
    ],
)
def test_damage_gives_one_line(text):
    with pytest.raises(UserError, match="not a saved report") as caught:
        from_json(text)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 300


def test_the_line_says_where_the_damage_is():
    data = strict(to_json(record(result(summary={"speedup": interval(2.0)}))))
    data["results"][0]["measurement"]["blocks"][3]["latencies_ns"][2] = 1.5
    with pytest.raises(UserError, match=r"results\[0\].*blocks\[3\]\.latencies_ns"):
        from_json(json.dumps(data))
