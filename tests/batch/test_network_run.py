"""A run with a network that the user has, and the refusal of another one in its folder."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper

from calcarium.batch.options import RunOptions
from calcarium.batch.score import Request, score_archive
from calcarium.cli import group
from calcarium.config import load_protocol
from calcarium.errors import UsageError
from calcarium.phantom.registry import order_studies, write_registry
from calcarium.tables.folder import ResultFolder
from calcarium.tables.read import read_table

SPEC = """
axes = "SPL"
spacing_mm = [3.0, 0.6, 0.5]
window_hu = [-1000.0, 1000.0]
scale = "zero_to_one"
patch = [4, 32, 32]
output = "logits"
marks = "calcium"
[labels]
1 = "LAD"
"""


def write_threshold_network(path, hu):
    """One channel that is above 0 where the input is above a threshold."""
    level = np.array([-(hu + 1000) / 2000], dtype=np.float32)
    size = [1, 1, 4, 32, 32]
    graph = helper.make_graph(
        [helper.make_node("Add", ["x", "level"], ["y"])],
        "threshold",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, size)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, size)],
        [numpy_helper.from_array(level, "level")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(path))
    path.with_suffix(".toml").write_text(SPEC)


def test_network_marks_the_calcium(tmp_path):
    write_registry(tmp_path / "set", order_studies(1, seed=2, kind="geometric"), workers=1)
    protocol = tmp_path / "short.toml"
    protocol.write_text("extends = 'auto'\n[selection]\nmin_coverage_mm = 0.0\n")

    def score(network):
        score_archive(
            Request(
                (str(tmp_path / "set" / "dicom"),),
                str(tmp_path / "results"),
                load_protocol(str(protocol)),
                network=str(network),
                options=RunOptions(workers=1),
                quiet=True,
            )
        )

    write_threshold_network(tmp_path / "one.onnx", 100)
    score(tmp_path / "one.onnx")
    (row,) = read_table(ResultFolder.at(str(tmp_path / "results")), "studies").to_pylist()
    assert row["outcome"] == "scored", row["reason"]
    assert row["region_source"] == "network"
    assert row["agatston_LAD"] == row["agatston"] > 100
    look = ["look", str(tmp_path / "results"), "--out", str(tmp_path / "pictures")]
    result = CliRunner().invoke(group, [*look, "--network", str(tmp_path / "one.onnx")])
    assert f": {row['agatston']:.0f} (" in result.output
    assert len(list((tmp_path / "pictures").iterdir())) == 1
    assert "no_heart" in CliRunner().invoke(group, look).output
    plan = ["plan", str(tmp_path / "results" / "index"), "--protocol", str(protocol)]
    result = CliRunner().invoke(group, [*plan, "--network", str(tmp_path / "one.onnx")])
    assert "Estimate: " in result.output
    write_threshold_network(tmp_path / "other.onnx", 300)
    with pytest.raises(UsageError, match="masks or network"):
        score(tmp_path / "other.onnx")
