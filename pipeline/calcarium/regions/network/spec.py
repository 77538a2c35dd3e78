"""What a network expects and means: a TOML file beside the ONNX file.

::

    axes = "SPL"                    # where each axis of the tensor points to
    spacing_mm = [3.0, 0.7, 0.7]    # along these axes
    window_hu = [-200.0, 800.0]     # clipped to this, then scaled
    scale = "zero_to_one"
    patch = [32, 192, 192]
    overlap = 0.5
    output = "logits"
    marks = "calcium"

    [labels]
    1 = "LAD"
    2 = "RCA"
"""

from __future__ import annotations

import json
import tomllib
from typing import Annotated, Literal, Self

import fsspec
from pydantic import Field, PositiveFloat, PositiveInt, StringConstraints, ValidationError
from pydantic import model_validator as check

from calcarium.config.keys import Section
from calcarium.errors import UsageError


class NetworkSpec(Section):
    """How a scan becomes the input of a network, and what its output means.

    Attributes
    ----------
    axes : direction in which each axis of the tensor counts up: one of L/R (patient's left or
        right), one of P/A (back or front), one of S/I (head or feet), in the tensor's order.
        nnU-Net: ``SPL``; MONAI after ``Orientationd(axcodes="RAS")``: ``RAS``
    spacing_mm : voxel spacing along these axes
    window_hu : intensities are clipped to this
    scale : what becomes of the window: 0..1, -1..1, or (HU - mean) / standard deviation
    mean_hu, std_hu : for ``z_score``
    patch : size of the input, in voxels
    overlap : share by which neighbouring patches overlap
    weighting : of overlapping patches: more for a patch's middle, or all alike
    output : ``logits`` or ``probabilities``; tells where one channel alone means yes
    marks : what the labels are. ``calcium``: where it marks none, the score is zero;
        ``arteries`` or ``anatomy``: where it marks none, the scan is not scored
    labels : name of each label value: an artery, ``heart``, ``aorta``, or another name
    """

    description: str = ""
    axes: Annotated[str, StringConstraints(pattern="^[LRPASI]{3}$")]
    spacing_mm: tuple[PositiveFloat, PositiveFloat, PositiveFloat]
    window_hu: tuple[float, float]
    scale: Literal["zero_to_one", "minus_one_to_one", "z_score"] = "zero_to_one"
    mean_hu: float = 0.0
    std_hu: PositiveFloat = 1.0
    patch: tuple[PositiveInt, PositiveInt, PositiveInt]
    overlap: float = Field(0.5, ge=0, le=0.9)
    weighting: Literal["gaussian", "mean"] = "gaussian"
    output: Literal["logits", "probabilities"] = "logits"
    marks: Literal["calcium", "arteries", "anatomy"]
    labels: dict[Annotated[str, StringConstraints(pattern="^[1-9][0-9]*$")], str]

    @check(mode="after")
    def _is_consistent(self) -> Self:
        if {frozenset(pair) & {*self.axes} != set() for pair in ("LR", "PA", "SI")} != {True}:
            raise ValueError("axes needs one of L/R, one of P/A and one of S/I")
        if self.window_hu[0] >= self.window_hu[1]:
            raise ValueError("window_hu needs a lower and a higher limit")
        return self


def parse_spec(content: bytes, url: str) -> NetworkSpec:
    """Parse the TOML file of a network.

    Raises
    ------
    UsageError
        naming the file and the key, if it is not understood
    """
    try:
        table = tomllib.loads(content.decode())
        return NetworkSpec.model_validate_json(json.dumps(table))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(f"{url}: cannot be read: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "network"
        raise UsageError(f"{url}: {where}: {first['msg']}") from error


def read_network_files(url: str) -> tuple[bytes, bytes]:
    """Bytes of an ONNX file and of the TOML file beside it.

    Raises
    ------
    UsageError
        if one of them does not exist
    """
    if not url.lower().endswith(".onnx"):
        raise UsageError(f"{url}: a network is an .onnx file with a .toml file beside it")
    both = []
    for place in (url, spec_url(url)):
        try:
            with fsspec.open(place, "rb") as file:
                both.append(bytes(file.read()))
        except OSError as error:
            raise UsageError(f"{place}: cannot be read: {error}") from error
    return both[0], both[1]


def spec_url(url: str) -> str:
    """Where the TOML file of a network lies."""
    return url[: -len(".onnx")] + ".toml"
