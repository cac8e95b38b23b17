"""Models that come out of ``optimize``: callable, saved and loaded without TensorFlow."""
