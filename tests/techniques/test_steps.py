"""Which step a runtime gets, and where it stands in a route."""

from inferspeed_magic.discovery import techniques
from inferspeed_magic.formats.routes import routes
from inferspeed_magic.techniques.base import Subject, changed


def test_a_runtime_gets_the_step_for_its_format():
    known = techniques()
    assert known["post_training_dynamic"].step_made(("onnx",)) == "onnx"
    assert known["post_training_dynamic"].step_made(("keras",)) == "keras"
    assert known["post_training_dynamic"].step_made(("openvino_ir",)) is None
    assert known["post_training_dynamic"].step_made(("openvino_ir", "litert")) == "litert"


def test_what_changes_the_model_fits_every_runtime():
    low_rank = techniques()["low_rank"]
    assert {low_rank.step_made((made,)) for made in ("keras", "onnx", "litert", "something_new")} == {"keras"}


def test_a_changed_model_comes_before_every_conversion():
    step = techniques()["low_rank"].step_for(Subject("any"), "keras", "e90")
    for made in ("keras", "litert", "onnx", "openvino_ir"):
        for route in routes("keras", made):
            assert changed(route, step) == (step, *route)
    assert not step.static
    assert dict(step.settings) == {"energy_percent": 90}


def test_files_are_changed_last():
    (route, *_) = routes("keras", "litert")
    litert, onnx = (techniques()["post_training_static"].step_for(Subject("any"), each) for each in ("litert", "onnx"))
    assert changed(route, litert) == (*route[:-1], litert)
    assert changed(route, onnx) == (*route, onnx)
