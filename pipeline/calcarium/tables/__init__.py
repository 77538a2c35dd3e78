"""Rows to Parquet, crash-safe, and back."""
