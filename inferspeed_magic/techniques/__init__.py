"""What makes a model faster or smaller. One file per technique; ``base.py`` is the contract of all."""
