from __future__ import annotations

import sys
from fractions import Fraction
from itertools import permutations, product
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from small_masks import on_scan
from small_scans import centres_mm, geometry, scan, volume

from calcarium.config import Protocol, RegionRules
from calcarium.errors import ScanExcluded, UsageError
from calcarium.regions.inputs import gather_inputs
from calcarium.regions.model import Region
from calcarium.regions.network import load_network, network_hash
from calcarium.regions.resolve import find_region
from calcarium.volume.model import Rescale, Volume
from calcarium_kernels import load

AXES = ["".join(letters) for pairs in product("LR", "PA", "SI") for letters in permutations(pairs)]


def write_network(
    path: Path, thresholds: list[float], size: list[int | str], **spec: object
) -> str:
    """A network whose channel n is the most likely where the input passes threshold n.

    Channel 0 is 0 and channel n is the sum of (x - t) over the first n thresholds, so that
    the greatest channel is the number of thresholds, in rising order, that x is above.
    """
    sums = np.cumsum([0.0, *thresholds]).astype(np.float32)
    weight = np.arange(len(sums), dtype=np.float32).reshape(-1, 1, 1, 1, 1)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "weight", "bias"], ["y"])],
        "thresholds",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, *size])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, len(sums), *size])],
        [numpy_helper.from_array(weight, "weight"), numpy_helper.from_array(-sums, "bias")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))
    named = dict(list({"1": "LAD", "2": "RCA"}.items())[: len(thresholds)])
    write_spec(path, **{"labels": named, **spec})
    return str(path)


def write_spec(path: Path, **spec: object) -> None:
    defaults: dict[str, object] = {
        "axes": "SPL",
        "spacing_mm": [2.5, 0.6, 0.7],
        "window_hu": [-1000.0, 1000.0],
        "patch": [4, 5, 6],
        "marks": "calcium",
    }
    labels = spec.pop("labels", {"1": "LAD", "2": "RCA"})
    lines = []
    for key, value in {**defaults, **spec}.items():
        lines.append(f"{key} = {value!r}".replace("'", '"'))
    lines.append("[labels]")
    lines += [f'{key} = "{name}"' for key, name in labels.items()]  # type: ignore[attr-defined]
    path.with_suffix(".toml").write_text("\n".join(lines))


def region_of(url: str, of: Volume, rules: RegionRules | None = None) -> Region:
    inputs = gather_inputs(network=url)
    protocol = Protocol(region=rules or RegionRules())
    return find_region(of, scan("1.2.3"), protocol, inputs, load("numpy"))


def noise(shape: tuple[int, int, int] = (7, 11, 13), seed: int = 1) -> Volume:
    return volume(np.random.default_rng(seed).integers(-900, 900, shape).astype(np.int16))


def unit(hu: float) -> float:
    return (hu + 1000) / 2000


@pytest.mark.parametrize("axes", AXES)
def test_every_order_and_direction_of_axes_marks_the_same_voxels(tmp_path: Path, axes: str) -> None:
    of = noise()
    spacing = {"S": 2.5, "I": 2.5, "P": 0.6, "A": 0.6, "L": 0.7, "R": 0.7}
    url = write_network(
        tmp_path / "n.onnx",
        [unit(130.5), unit(400.5)],
        ["d", "h", "w"],
        axes=axes,
        spacing_mm=[spacing[letter] for letter in axes],
    )
    region = region_of(url, of)
    np.testing.assert_array_equal(
        on_scan(region, of.geometry.shape), (of.stored > 130.5) + 1 * (of.stored > 400.5)
    )
    assert {n: label.vessel for n, label in region.meaning.items()} == {1: "LAD", 2: "RCA"}
    assert region.source == "network"
    assert region.sha256 == network_hash(url)


def test_each_slice_has_its_own_rescale(tmp_path: Path) -> None:
    of = noise()
    slope = tuple(Fraction(1 + n % 3) for n in range(7))
    of = Volume(of.stored, Rescale(slope, (Fraction(-100),) * 7), of.geometry, of.sop_instance_uid)
    url = write_network(tmp_path / "n.onnx", [unit(130.5)], [4, 5, 6])
    hu = of.stored * np.array([float(s) for s in slope])[:, None, None] - 100
    np.testing.assert_array_equal(on_scan(region_of(url, of), of.geometry.shape), hu > 130.5)


@pytest.mark.parametrize("scale", ["zero_to_one", "minus_one_to_one", "z_score"])
def test_scales(tmp_path: Path, scale: str) -> None:
    of = noise()
    threshold = {"zero_to_one": 0.625, "minus_one_to_one": 0.25, "z_score": 2.05}[scale]
    url = write_network(
        tmp_path / "n.onnx", [threshold], [4, 5, 6], scale=scale, mean_hu=40.0, std_hu=100.0
    )
    hu = {"zero_to_one": 250, "minus_one_to_one": 250, "z_score": 245}[scale]
    clear = np.abs(of.stored - hu) > 1
    found = on_scan(region_of(url, of), of.geometry.shape) > 0
    np.testing.assert_array_equal(found[clear], (of.stored > hu)[clear])


def test_what_is_beyond_the_window_is_clipped(tmp_path: Path) -> None:
    of = noise()
    url = write_network(tmp_path / "n.onnx", [0.999], [4, 5, 6], window_hu=[0.0, 200.0])
    found = on_scan(region_of(url, of), of.geometry.shape)
    np.testing.assert_array_equal(found > 0, of.stored >= 200)
    url = write_network(tmp_path / "m.onnx", [1.001], [4, 5, 6], window_hu=[0.0, 200.0])
    assert not on_scan(region_of(url, of), of.geometry.shape).any()


@pytest.mark.parametrize("spacing", [[2.5, 0.6, 0.7], [1.0, 1.1, 1.3], [4.0, 0.35, 0.9]])
def test_a_ball_stays_where_it_is_on_any_grid(tmp_path: Path, spacing: list[float]) -> None:
    of = geometry((14, 60, 50), increment_mm=2.0)
    centre = centres_mm(of)[7, 31, 22]
    distance = np.linalg.norm(centres_mm(of) - centre, axis=-1)
    # A cone of HU, linear in the distance: interpolation moves its levels little.
    ball = volume(np.rint(1000 - 60 * distance).astype(np.int16), increment_mm=2.0)
    url = write_network(
        tmp_path / "n.onnx", [unit(400)], [8, 16, 16], spacing_mm=spacing, patch=[8, 16, 16]
    )
    found = on_scan(region_of(url, ball), of.shape) > 0
    reach = 0.5 * float(np.linalg.norm(spacing)) + 1.0
    assert found[distance < 10 - reach].all()
    assert not found[distance > 10 + reach].any()
    middle = centres_mm(of)[found].mean(axis=0)
    np.testing.assert_allclose(middle, centre, atol=0.5)


# What a network's labels mean


def test_a_network_that_finds_no_calcium_says_zero_one_that_finds_no_artery_says_nothing(
    tmp_path: Path,
) -> None:
    of = noise()
    calcium = write_network(tmp_path / "n.onnx", [2.0], [4, 5, 6])
    assert region_of(calcium, of).box.shape == (0, 0, 0)
    arteries = write_network(tmp_path / "a.onnx", [2.0], [4, 5, 6], marks="arteries")
    with pytest.raises(ScanExcluded, match="empty_mask"):
        region_of(arteries, of)
    heart = write_network(
        tmp_path / "h.onnx", [2.0], [4, 5, 6], marks="anatomy", labels={"1": "heart"}
    )
    with pytest.raises(ScanExcluded, match="no_heart"):
        region_of(heart, of)


def test_a_network_that_marks_anatomy_needs_the_detector(tmp_path: Path) -> None:
    url = write_network(
        tmp_path / "h.onnx", [unit(0)], [4, 5, 6], marks="anatomy", labels={"1": "heart"}
    )
    with pytest.raises(ScanExcluded, match="no_region"):
        region_of(url, noise())


def test_one_channel_is_yes_above_its_limit(tmp_path: Path) -> None:
    graph = helper.make_graph(
        [helper.make_node("Sigmoid", ["x"], ["y"])],
        "sigmoid",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, 4, 5, 6])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 1, 4, 5, 6])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.save(model, str(tmp_path / "n.onnx"))
    of = noise()
    for output, expected in (("probabilities", of.stored > 0), ("logits", of.stored > -2000)):
        one = {"scale": "minus_one_to_one", "output": output, "labels": {"1": "LAD"}}
        write_spec(tmp_path / "n.onnx", **one)
        found = on_scan(region_of(str(tmp_path / "n.onnx"), of), of.geometry.shape) > 0
        clear = of.stored != 0
        np.testing.assert_array_equal(found[clear], expected[clear])


# What can be wrong with a network


def test_a_network_is_loaded_once(tmp_path: Path) -> None:
    url = write_network(tmp_path / "n.onnx", [0.5], [4, 5, 6])
    digest = network_hash(url)
    assert load_network(url, digest, "cpu") is load_network(url, digest, "cpu")
    write_spec(tmp_path / "n.onnx", overlap=0.25)
    assert network_hash(url) != digest
    load_network.cache_clear()
    with pytest.raises(UsageError, match="changed while the run"):
        load_network(url, digest, "cpu")


def test_a_missing_device_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = write_network(tmp_path / "n.onnx", [0.5], [4, 5, 6])
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: ["CPUExecutionProvider"])
    with pytest.raises(UsageError, match="CUDAExecutionProvider"):
        load_network(url, network_hash(url), "cuda")
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UsageError, match=r"calcarium\[network\]"):
        load_network(url, network_hash(url), "cpu")


def test_a_network_that_does_not_fit_its_toml(tmp_path: Path) -> None:
    url = write_network(tmp_path / "n.onnx", [0.5], [4, 5, 6], patch=[4, 5, 7])
    with pytest.raises(UsageError, match="does not take a patch"):
        region_of(url, noise())
    url = write_network(tmp_path / "m.onnx", [0.5], [4, 5, 6], labels={"1": "LAD", "2": "RCA"})
    with pytest.raises(UsageError, match="names label 2; the network gives 1"):
        region_of(url, noise())


def test_a_file_that_is_no_network(tmp_path: Path) -> None:
    (tmp_path / "n.onnx").write_bytes(b"nonsense")
    with pytest.raises(UsageError, match=r"n\.toml: cannot be read"):
        gather_inputs(network=str(tmp_path / "n.onnx"))
    write_spec(tmp_path / "n.onnx")
    url = str(tmp_path / "n.onnx")
    with pytest.raises(UsageError, match="no network that ONNX Runtime can run"):
        load_network(url, network_hash(url), "cpu")
    with pytest.raises(UsageError, match=r"an \.onnx file"):
        gather_inputs(network=str(tmp_path / "n.pt"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("axes", "SPX"),
        ("axes", "SPI"),
        ("spacing_mm", [1.0, -1.0, 1.0]),
        ("window_hu", [100.0, 0.0]),
        ("patch", [4, 0, 4]),
        ("overlap", 1.0),
        ("marks", "bones"),
        ("colour", "red"),
        ("labels", {"0": "LAD"}),
    ],
)
def test_a_toml_that_is_not_understood(tmp_path: Path, key: str, value: object) -> None:
    write_network(tmp_path / "n.onnx", [0.5], [4, 5, 6], **{key: value})
    with pytest.raises(UsageError, match=r"n\.toml: "):
        gather_inputs(network=str(tmp_path / "n.onnx"))


def test_masks_come_before_the_network(tmp_path: Path) -> None:
    url = write_network(tmp_path / "n.onnx", [0.5], [4, 5, 6])
    with_masks = gather_inputs(mask_column={"1.2.4": "elsewhere.nii.gz"}, network=url)
    protocol = Protocol(region=RegionRules())
    with pytest.raises(ScanExcluded, match="missing_mask"):
        find_region(noise(), scan("1.2.3"), protocol, with_masks, load("numpy"))
    protocol = Protocol(region=RegionRules(missing_mask="auto"))
    found = find_region(noise(), scan("1.2.3"), protocol, with_masks, load("numpy"))
    assert found.source == "network"
