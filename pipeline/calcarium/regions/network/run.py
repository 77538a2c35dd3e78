"""A network that the user has: ONNX, from a scan to labels.

The scan is brought to the network's axes and spacing by linear interpolation, clipped and
scaled; patches go through ONNX Runtime; the labels come back on the network's grid, and are
put on the scan like any mask, by nearest neighbour in patient space.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from calcarium.errors import ResourceError, UsageError
from calcarium.regions.labelmap import LabelMap
from calcarium.regions.network.grid import Float32, Sampling, scaled
from calcarium.regions.network.spec import NetworkSpec, parse_spec, read_network_files, spec_url
from calcarium.regions.network.windows import predict
from calcarium.volume.model import Volume

if TYPE_CHECKING:
    import onnxruntime

Device = Literal["cpu", "cuda"]
PROVIDERS: dict[Device, str] = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}


@dataclass(frozen=True)
class Network:
    """A network that is ready to run, kept warm in its process."""

    spec: NetworkSpec
    session: onnxruntime.InferenceSession
    sha256: str

    def __call__(self, volume: Volume) -> LabelMap:
        """Label a scan.

        Raises
        ------
        ScanExcluded
            ``not_axial`` if the scan's axes cannot be matched with the network's
        UsageError
            if the network does not take or give what its TOML file says, labels included
        ResourceError
            if the device gives way
        """
        grid = Sampling.of(volume.geometry, self.spec)
        image = scaled(grid.sample(volume), self.spec)
        low = scaled(np.full(1, self.spec.window_hu[0], dtype=np.float32), self.spec)
        scores = predict(
            image,
            self._run,
            self.spec.patch,
            self.spec.overlap,
            self.spec.weighting,
            float(low[0]),
        )
        names = {int(value): name for value, name in self.spec.labels.items()}
        most = max(1, len(scores) - 1)
        if max(names, default=0) > most:
            raise UsageError(f"[labels] names label {max(names)}; the network gives {most}")
        return LabelMap.of(self._labels(scores), grid.to_lps, names, self.sha256)

    def _labels(self, scores: Float32) -> NDArray[np.uint16]:
        if len(scores) == 1:
            limit = 0.0 if self.spec.output == "logits" else 0.5
            return np.asarray(scores[0] > limit, dtype=np.uint16)
        return np.asarray(scores.argmax(axis=0), dtype=np.uint16)

    def _run(self, patch: Float32) -> Float32:
        from onnxruntime.capi import onnxruntime_pybind11_state as ort

        name = self.session.get_inputs()[0].name
        try:
            out = np.asarray(self.session.run(None, {name: patch})[0], dtype=np.float32)
        except ort.InvalidArgument as error:
            raise UsageError(f"the network does not take a patch of its TOML: {error}") from error
        except (ort.Fail, ort.RuntimeException, ort.EPFail) as error:
            raise ResourceError(f"the network failed on its device: {error}") from error
        if out.ndim != 5 or out.shape[2:] != patch.shape[2:]:
            raise UsageError(f"the network gives {out.shape} for {patch.shape}: not one to one")
        return out


@lru_cache(maxsize=2)
def load_network(url: str, sha256: str, device: Device) -> Network:
    """A network, loaded once in each process.

    Parameters
    ----------
    url : ONNX file, with its TOML file beside it
    sha256 : what :func:`network_hash` said when the run began
    device : nothing falls back: ``cuda`` without a CUDA device is an error

    Raises
    ------
    UsageError
        if ONNX Runtime or the device is missing, or the files are not understood or changed
    """
    model, spec = read_network_files(url)
    if _hash(model, spec) != sha256:
        raise UsageError(f"{url} or its TOML file changed while the run was going on")
    return Network(parse_spec(spec, spec_url(url)), _session(model, url, device), sha256)


def network_hash(url: str) -> str:
    """Hash of a network and its TOML file, both checked as far as possible without a device."""
    model, spec = read_network_files(url)
    parse_spec(spec, spec_url(url))
    return _hash(model, spec)


def _hash(model: bytes, spec: bytes) -> str:
    return hashlib.sha256(hashlib.sha256(model).digest() + spec).hexdigest()


def _session(model: bytes, url: str, device: Device) -> onnxruntime.InferenceSession:
    try:
        import onnxruntime
    except ImportError as error:
        raise UsageError("networks need ONNX Runtime: pip install 'calcarium[network]'") from error
    from onnxruntime.capi import onnxruntime_pybind11_state as ort

    provider = PROVIDERS[device]
    if provider not in onnxruntime.get_available_providers():
        raise UsageError(
            f"ONNX Runtime has no {provider} here (for CUDA: pip install onnxruntime-gpu); "
            "nothing falls back by itself, so ask for the other device"
        )
    options = onnxruntime.SessionOptions()
    # One worker per core: threads of a session would fight those of the others.
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    try:
        session = onnxruntime.InferenceSession(model, options, providers=[provider])
    except (ort.Fail, ort.InvalidProtobuf, ort.InvalidGraph, ort.NotImplemented) as error:
        raise UsageError(f"{url}: no network that ONNX Runtime can run: {error}") from error
    if session.get_providers()[0] != provider:
        raise UsageError(f"{url}: ONNX Runtime could not start {provider}")
    session.disable_fallback()
    return session
