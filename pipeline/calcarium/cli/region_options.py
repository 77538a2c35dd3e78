"""Options of what the user brings to a run besides the scans, shared by several commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def region_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--masks``, ``--network`` and ``--network-device`` to a command."""
    for option in (
        click.option(
            "--network-device",
            type=click.Choice(["cpu", "cuda"]),
            default="cpu",
            show_default=True,
            help="Where it runs.",
        ),
        click.option(
            "--network", default="", show_default=False, metavar="ONNX", help="Your network."
        ),
        click.option(
            "--masks", default="", show_default=False, metavar="DIR|FILE", help="Your masks."
        ),
    ):
        command = option(command)
    return command
