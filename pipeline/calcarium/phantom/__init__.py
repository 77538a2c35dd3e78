"""Synthetic studies that carry their truth."""
