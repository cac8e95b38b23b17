"""What the manuals of the magics say before and after their options."""

from __future__ import annotations

from inferspeed_magic.magics.distill_options import OPTIONS as DISTILL_OPTIONS
from inferspeed_magic.magics.explain_options import OPTIONS as EXPLAIN_OPTIONS
from inferspeed_magic.magics.manual import manual
from inferspeed_magic.magics.optimize_options import OPTIONS as OPTIMIZE_OPTIONS
from inferspeed_magic.magics.options import OPTIONS as PROFILE_OPTIONS

PROFILE_MODEL = manual(
    """\
How fast is this Keras model really, on every runtime this machine has?

    %%profile_model [NAME ...] [options]     run the cell, then profile
    %profile_model NAME ... [options]        profile what exists

A NAME is a variable that holds a Keras model, an expression such as models["a"], or a path
to a .keras, .h5, .onnx or .tflite file or a SavedModel folder. Without a NAME, every Keras
model that the cell assigns is profiled. The report is the value of the cell: _ and Out hold it,
and report = %profile_model model assigns it. Interrupt the kernel to stop: what was measured
until then is kept.""",
    PROFILE_OPTIONS,
    """\
    %%profile_model
    small = keras.Sequential([...])
    big = keras.Sequential([...])

    %profile_model small big --runtime keras.predict,litert --batch-size 1,8,32
    %profile_model small --input "x_val[:8]" --duration 5s --into report
    %profile_model small ~/models/small.onnx --baseline small/keras.predict
    %profile_model small --scenario server --latency-slo-ms 20 --threads 2
    report = %profile_model models["a"] --device gpu --quiet""",
)

OPTIMIZE = manual(
    """\
The fastest version of this Keras model that is still accurate enough.

    %optimize NAME [options]          search techniques, runtimes and their settings
    %%optimize [NAME] [options]       run the cell, then search

A NAME is a variable that holds a Keras model, an expression such as models["a"], or a path
to a .keras, .h5, .onnx or .tflite file or a SavedModel folder. Without a NAME, the model that
the cell assigns is optimized. The report is the value of the cell: _ and Out hold it, and
report = %optimize model assigns it; report.best is the model that was found, called like the
one that went in, and --into fast assigns it. Interrupt the kernel to stop: what was found
until then is kept.

Functions that the cell itself defines say what no option can:

    evaluate(predict)     returns a score of what predict(x) gives, higher is better
    calibration()         yields inputs to find the ranges of int8 with
    fine_tune(model)      trains the model it is given, in place of our own training
    student()             returns a smaller model, which learns the original's answers to --train""",
    OPTIMIZE_OPTIONS,
    """\
    %optimize model --data x_val,y_val --max-drop 1% --into fast
    %optimize model --data x_val,y_val --train x_train,y_train --epochs 5
    %optimize models["a"] --data "(x_val[:500], y_val[:500])" --metric f1_score --budget 10m
    %optimize ~/models/small.keras --for size --max-size 500kB --exclude keras,openvino
    report = %optimize model --for throughput --batch-size 32 --technique float16 --quiet

    %%optimize model --max-drop 0.5%
    def evaluate(predict):
        return f1_score(y_val, predict(x_val).argmax(axis=1), average="macro")""",
)

DISTILL = manual(
    """\
How fast is a smaller model, and can it learn what this one knows?

    %%distill [NAME] [options]       run the cell, then train its students

A NAME is a variable that holds a Keras model, the teacher. Without a NAME, it is the model that
the cell assigns. The cell defines what is to learn, and it may say what is good:

    student()             returns a smaller model, untrained, that takes what the teacher takes
    students()            returns several: a dictionary from names to functions like student
    evaluate(predict)     returns a score of what predict(x) gives, higher is better
    calibration()         yields inputs to find the ranges of int8 with

Students learn the labels of --train and what the teacher answers to its samples. While one
learns, its loss, its loss on samples of --data and how many of these it gets right are drawn. Then
it is run where the teacher runs fastest; the report says what each costs in accuracy and in time.
It is that of %optimize: _ and Out hold it, report.best is the model that was found, and --into
fast assigns it. Interrupt the kernel to stop: what was found until then is kept.""",
    DISTILL_OPTIONS,
    """\
    %%distill teacher --data x_val,y_val --train x_train,y_train --epochs 20 --into fast
    def student():
        return keras.Sequential([keras.Input((28, 28, 1)), ...])

    %%distill teacher --data x_val,y_val --train x_train,y_train --technique float16 --budget 20m
    def students():
        return {"small": lambda: net(width=8), "large": lambda: net(width=16)}""",
)

EXPLAIN_LATENCY = manual(
    """\
Where does the time of this Keras model go, and why is the smaller one not faster?

    %explain_latency NAME ... [options]        explain what exists
    %%explain_latency [NAME ...] [options]     run the cell, then explain

A NAME is a variable that holds a Keras model, an expression such as models["a"], or a path
to a .keras, .h5, .onnx or .tflite file or a SavedModel folder. Without a NAME, every Keras
model that the cell assigns is explained. Two models are compared with each other. The report is
the value of the cell: report.findings are the reasons, report.layers says what each layer has to
do and what it takes, and report.findings[0].verify() tries what the first one advises.""",
    EXPLAIN_OPTIONS,
    """\
    %explain_latency small big
    %explain_latency model --runtime onnxruntime,openvino --batch-size 8
    %explain_latency model --count-only
    report = %explain_latency small big --input "x_val[:8]" --threads 1 --quiet""",
)
