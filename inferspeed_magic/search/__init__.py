"""What optimize tries and how it decides: data and its split, metrics, scores, the accuracy budget."""
