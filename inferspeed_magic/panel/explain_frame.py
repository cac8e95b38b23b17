"""Layers as a table for pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

    from inferspeed_magic.records import ExplanationRecord

_NAN = float("nan")


def layers_frame(record: ExplanationRecord) -> pd.DataFrame:
    """Make one row for each layer of each model; times that were not measured are NaN."""
    import pandas as pd

    timed = {(each.model, each.layer): each for each in record.layers}
    rows = []
    for count in record.counts:
        for layer in count.layers:
            time = timed.get((count.model, layer.layer))
            rows.append(
                {
                    "model": count.model,
                    "layer": layer.layer,
                    "kind": layer.kind,
                    "params": layer.params,
                    "macs": layer.macs,
                    "flops": layer.flops,
                    "bytes_read": layer.bytes_read,
                    "bytes_written": layer.bytes_written,
                    "arithmetic_intensity": layer.arithmetic_intensity,
                    "time_us": time.time_us if time else _NAN,
                    "bound": time.bound if time else None,
                    "time_low_us": time.low_us if time else _NAN,
                    "time_high_us": time.high_us if time else _NAN,
                    "runtime": time.runtime if time else None,
                    "level": time.level if time else None,
                    "ceiling_share": time.ceiling_share if time and time.ceiling_share is not None else _NAN,
                    "fused_into": time.fused_into if time else None,
                    "weight_bytes": layer.weight_bytes,
                    "kernels": layer.kernels,
                    "steps": layer.steps,
                    "output_shape": layer.output_shape,
                    "inputs": layer.inputs,
                }
            )
    return pd.DataFrame(rows, columns=list(rows[0]) if rows else _COLUMNS)


_COLUMNS = [
    *("model", "layer", "kind", "params", "macs", "flops", "bytes_read", "bytes_written", "arithmetic_intensity"),
    *("time_us", "bound"),
]
