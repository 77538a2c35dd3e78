"""The package as a user meets it: quick to start, freely licensed, without stray imports."""

from __future__ import annotations

import subprocess
import sys
import time
from importlib.metadata import distribution, distributions, requires

import pytest
from packaging.requirements import Requirement

GPL = ("gpl", "general public license")
# Licences whose text names the GPL without being it.
FINE = ("lgpl", "lesser general public", "gpl-compatible", "gpl compatible")


def run(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def loaded_by(statement):
    code = f"import sys; {statement}; print(*sys.modules)"
    return {name.split(".")[0] for name in run(sys.executable, "-c", code).split()}


@pytest.mark.parametrize("statement", ["import calcarium.cli", "import calcarium"])
def test_start_is_quick(statement):
    best = min(timed(sys.executable, "-c", statement) for _ in range(3))
    assert best < 0.5


def timed(*command):
    start = time.perf_counter()
    run(*command)
    return time.perf_counter() - start


def test_help_is_quick():
    code = "from calcarium.cli import group; group(['--help'], standalone_mode=False)"
    assert min(timed(sys.executable, "-c", code) for _ in range(3)) < 0.5


def test_contract_of_the_kernels_loads_nothing_heavy():
    loaded = loaded_by("import calcarium_kernels.contract")
    assert loaded.isdisjoint({"pydicom", "dask", "pyarrow", "cupy", "scipy", "calcarium"})


def test_nothing_but_the_device_loads_cupy():
    loaded = loaded_by("import calcarium.study, calcarium.batch, calcarium.cli.score")
    assert "cupy" not in loaded


def names_of(requirements, extras):
    for text in requirements or ():
        requirement = Requirement(text)
        marker = requirement.marker
        if marker is None or any(marker.evaluate({"extra": extra}) for extra in ("", *extras)):
            yield requirement.name.lower()


def closure(extras):
    installed = {d.metadata["Name"].lower(): d for d in distributions()}
    todo = set(names_of(requires("calcarium"), extras))
    seen = set()
    while todo:
        name = todo.pop()
        if name not in seen and name in installed:
            seen.add(name)
            todo |= set(names_of(installed[name].requires, ()))
    return seen


def licence_of(name):
    meta = distribution(name).metadata
    classifiers = [c for c in meta.get_all("Classifier") or () if c.startswith("License")]
    expression = meta.get("License-Expression") or ""
    short = (meta.get("License") or "").splitlines()[:1]
    return " ".join([expression, *short, *classifiers]).lower()


def test_no_gpl_in_core_or_extras():
    needed = closure(("seg", "network", "cuda12", "cuda13"))
    assert {"numpy", "pydicom", "dask"} <= needed
    for name in sorted(needed):
        licence = licence_of(name)
        for phrase in FINE:
            licence = licence.replace(phrase, "")
        assert not any(word in licence for word in GPL), f"{name}: {licence}"
