"""Bit-for-bit equality of what kernels return."""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from calcarium_kernels.contract import Islands


def assert_same_islands(
    got: tuple[Islands, ...], expected: tuple[Islands, ...], why: str = ""
) -> None:
    """Every column of every cut: values, order and dtype."""
    assert len(got) == len(expected), why
    for number, (one, other) in enumerate(zip(got, expected, strict=True)):
        for field in fields(Islands):
            mine, theirs = getattr(one, field.name), getattr(other, field.name)
            assert mine.dtype == np.int64, f"{why}: {field.name} is {mine.dtype}"
            np.testing.assert_array_equal(
                mine, theirs, err_msg=f"{why}: cut {number}, {field.name}", strict=True
            )
