"""Reports as JSON and back: strict JSON that any reader accepts, exact to the last bit, versioned."""

from __future__ import annotations

import json
import math
from functools import cache
from typing import TYPE_CHECKING, Any

from inferspeed_magic.errors import UserError
from inferspeed_magic.records.counts import ModelCount
from inferspeed_magic.records.explanation import ExplanationRecord
from inferspeed_magic.records.operators import OperatorProfile
from inferspeed_magic.records.optimization import OptimizationRecord
from inferspeed_magic.records.profile import SCHEMA_VERSION, ProfileRecord
from inferspeed_magic.records.result import Result

if TYPE_CHECKING:
    from cattrs import Converter

Record = ProfileRecord | OptimizationRecord | ExplanationRecord
_KINDS: dict[str, type[Record]] = {"optimization": OptimizationRecord, "explanation": ExplanationRecord}

# JSON has no word for these, and Python's own ("NaN") makes files that strict readers refuse.
_NOT_FINITE = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


def to_json(record: Record) -> str:
    """Write a record, raw latencies included."""
    return json.dumps(_converter().unstructure(record, type(record)), allow_nan=False)


def result_to_json(result: Result) -> Any:
    """Turn one result into what JSON can hold."""
    return _converter().unstructure(result, Result)


def result_from_json(data: Any) -> Result:
    """Read what ``result_to_json`` made.

    Raises:
        Exception: of any kind, for anything else.
    """
    return _converter().structure(data, Result)


def count_from_json(data: Any) -> ModelCount:
    """Read what a worker counted.

    Raises:
        Exception: of any kind, for anything else.
    """
    return _converter().structure(data, ModelCount)


def operators_from_json(data: Any) -> OperatorProfile:
    """Read what a worker saw of operators.

    Raises:
        Exception: of any kind, for anything else.
    """
    return _converter().structure(data, OperatorProfile)


def from_json(text: str) -> Record:
    """Read what ``to_json`` wrote, or say in one line why that cannot be done."""
    try:
        data = json.loads(text)
    # RecursionError: a file of nothing but opening brackets.
    except (ValueError, RecursionError) as error:
        raise UserError(f"not a saved report, or cut short: no valid JSON ({_first_line(error)})") from None
    version = data.get("schema_version") if isinstance(data, dict) else None
    if type(version) is not int:
        raise UserError("not a saved report: valid JSON, but without a schema_version")
    if version > SCHEMA_VERSION:
        raise UserError(
            f"the report was saved by a newer inferspeed_magic (schema {version}, this one reads up to "
            f"{SCHEMA_VERSION}): pip install --upgrade inferspeed-magic"
        )
    return _structure(data)


def _structure(data: Any) -> Record:
    import cattrs

    kind = _KINDS.get(str(data.get("kind")), ProfileRecord)
    try:
        return _converter().structure(data, kind)
    # A damaged file can break cattrs anywhere, and not always with an error of its own.
    except Exception as error:  # noqa: BLE001
        places = cattrs.transform_error(error, path="report")
        raise UserError(f"not a saved report, or damaged: {_first_line(places[0])}") from None


@cache
def _converter() -> Converter:
    import cattrs

    converter = cattrs.Converter()
    # int() and float() on the way out: numpy's scalars are no JSON, and must not leak from whoever made the record.
    converter.register_unstructure_hook(int, int)
    converter.register_unstructure_hook(bool, bool)
    converter.register_unstructure_hook(float, _write_float)
    # On the way in cattrs would coerce ("yes" to True, 1.9 to 1): a damaged file must not become other numbers.
    converter.register_structure_hook(str, _only(str))
    converter.register_structure_hook(int, _only(int))
    converter.register_structure_hook(bool, _only(bool))
    converter.register_structure_hook(float, _read_float)
    # Element by element is slow for a hundred thousand latencies.
    converter.register_structure_hook_func(lambda kind: kind == tuple[int, ...], _read_integers)
    return converter


def _write_float(value: float) -> float | str:
    plain = float(value)
    return plain if math.isfinite(plain) else str(plain)


def _read_float(value: Any, _: type) -> float:
    if isinstance(value, str) and value in _NOT_FINITE:
        return _NOT_FINITE[value]
    if type(value) not in (int, float):
        raise ValueError(f"expected a number, found {value!r}")
    return float(value)


def _read_integers(value: Any, _: type) -> tuple[int, ...]:
    if not isinstance(value, list) or any(type(item) is not int for item in value):
        raise ValueError("expected a list of whole numbers")
    return tuple(value)


def _only(expected: type) -> Any:
    def check(value: Any, _: type) -> Any:
        # Not isinstance: True is an int to Python.
        if type(value) is not expected:
            raise ValueError(f"expected {expected.__name__}, found {value!r}")
        return value

    return check


def _first_line(message: object, longest: int = 160) -> str:
    line = " ".join(str(message).split())
    return line if len(line) <= longest else line[:longest] + " ..."
