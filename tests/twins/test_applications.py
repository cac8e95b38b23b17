"""Architectures that come with Keras, with weights drawn at random."""

import keras
import pytest

from inferspeed_magic.twins import twin

SMALL = {"weights": None, "input_shape": (64, 64, 3), "classes": 5}
ARCHITECTURES = {
    "MobileNet": SMALL,
    "MobileNetV2": SMALL,
    "MobileNetV3Small": SMALL,
    "ResNet50": SMALL,
    "ResNet50V2": SMALL,
    "EfficientNetB0": SMALL,
    "EfficientNetV2B0": SMALL,
    "DenseNet121": SMALL,
    "Xception": SMALL | {"input_shape": (75, 75, 3)},
    "InceptionV3": SMALL | {"input_shape": (75, 75, 3)},
    "NASNetMobile": SMALL,
    "VGG16": SMALL,
    "ConvNeXtTiny": SMALL,
}


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_has_a_twin_with_the_same_outputs(name):
    """``twin`` itself compares them."""
    model = getattr(keras.applications, name)(**ARCHITECTURES[name])
    made = twin(model)
    assert made.count_params() - model.count_params() in (0, -7)  # Normalization's weights are constants there
    keras.backend.clear_session()
