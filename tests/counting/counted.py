"""Count models that live in this process, through the call that workers make."""

from __future__ import annotations

import json

from inferspeed_magic.counting.count import count
from inferspeed_magic.records.counts import LayerCount, ModelCount
from inferspeed_magic.sources import live
from inferspeed_magic.sources.portable import keep_live


def counted(model, batch_size=1):
    library = next(base.__module__.partition(".")[0] for base in type(model).__mro__ if base.__name__ == "Model")
    signature, template = live.describe("model", model)
    keep_live("counted", live.portable(model, library, signature, template))
    try:
        found = json.loads(json.dumps(count({}, source="live:counted", batch_size=batch_size)))
    finally:
        keep_live("counted", None)
    layers = tuple(
        LayerCount(**each | {name: tuple(each[name]) for name in ("output_shape", "inputs")})
        for each in found.pop("layers")
    )
    return ModelCount("model", layers=layers, **found | {"uncounted": tuple(found["uncounted"])})


def rows(model, batch_size=1):
    """Return the rows of a model by their names."""
    return {row.layer: row for row in counted(model, batch_size).layers}


def one(model, batch_size=1):
    """Return the only row."""
    (row,) = counted(model, batch_size).layers
    return row
