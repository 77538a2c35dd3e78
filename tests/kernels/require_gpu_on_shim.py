"""A pytest plugin: the host shim stands in for the card that ``--require-gpu`` asks for."""

from __future__ import annotations

import sys
from typing import Any, cast

from fake_cupy import FakeCupy

sys.modules["cupy"] = cast(Any, FakeCupy())
