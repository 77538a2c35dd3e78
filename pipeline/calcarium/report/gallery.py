"""Looks at every study of an archive, or of a result folder of one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from calcarium.config import Protocols, load_protocol
from calcarium.intake.index import build_index
from calcarium.intake.records import Study
from calcarium.intake.studies import iter_studies
from calcarium.regions.inputs import gather_inputs
from calcarium.regions.network import Device
from calcarium.report.look import Look, look_at
from calcarium_kernels import load

PROTOCOL = "protocol.json"


def looks(
    inputs: Sequence[str],
    protocol: str,
    masks: str,
    network: str = "",
    network_device: Device = "cpu",
) -> Iterator[list[Look]]:
    """Looks of one study after another.

    Parameters
    ----------
    inputs : places of scans, or result folders; a result folder brings its own protocol and
        index, so nothing is walked again
    protocol : name or file, for what is not a result folder
    masks, network, network_device : as for scoring; empty for none
    """
    results = [Path(place) for place in inputs if (Path(place) / PROTOCOL).is_file()]
    places = [place for place in inputs if Path(place) not in results]
    kernels = load("numpy")
    gather = partial(gather_inputs, masks, network=network, network_device=network_device)
    for folder in results:
        protocols = Protocols.from_json((folder / PROTOCOL).read_text())
        given = gather(shapes=_shapes(protocols))
        for study in iter_studies(folder / "index"):
            yield look_at(study, protocols, given, kernels)
    if places:
        protocols = load_protocol(protocol)
        given = gather(shapes=_shapes(protocols))
        for study in _studies_at(places):
            yield look_at(study, protocols, given, kernels)


def _studies_at(places: Sequence[str]) -> Iterator[Study]:
    with TemporaryDirectory(prefix="calcarium-look-") as index:
        build_index(places, Path(index))
        yield from iter_studies(Path(index))


def _shapes(protocols: Protocols) -> list[str]:
    return [protocol.region.shapes for protocol in protocols.by_class.values()]
