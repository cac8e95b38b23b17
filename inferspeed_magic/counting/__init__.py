"""What a model has to do for one inference, counted from its graph: no clock, no runtime."""
