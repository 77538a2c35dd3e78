"""Synthetic studies that carry their truth; start with :mod:`.model`."""
