"""What is kept of a scan, beside its rows, so that it can be scored again without its files."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import cast

import orjson

from calcarium.config.protocol import ScanClass
from calcarium.covariates import Covariates
from calcarium.intake.records import Acquisition, Scan
from calcarium.outcome import KeptScan, ScanResult, VolumeFacts
from calcarium.quality import QualityRow
from calcarium.regions.model import Region
from calcarium.scoring.slabs import slabs_of
from calcarium.scoring.threshold_free import ThresholdFree
from calcarium.tables.rows import Row
from calcarium.volume.model import Volume
from calcarium.voxels import pack, unpack

# What a score or its meaning can depend on; the rest of a header may name somebody.
HEADER = (
    "kvp",
    "filter_type",
    "convolution_kernel",
    "slice_thickness_mm",
    "mass_factor_patient",
    "mass_factor_device",
)
UNKNOWN: dict[str, object] = dict.fromkeys(field.name for field in fields(Acquisition))
UNKNOWN |= {"image_type": (), "scan_options": ()}


@dataclass(frozen=True)
class Recalled:
    """A scan as it was before it was scored.

    Attributes
    ----------
    base_hu : no threshold below it can be scored
    """

    result: ScanResult
    volume: Volume
    region: Region
    base_hu: float


def keep(
    result: ScanResult, volume: Volume, region: Region, base_hu: float | None
) -> KeptScan | None:
    """Pack a scan whose region is known; ``None`` if nothing is to be kept."""
    if base_hu is None:
        return None
    header = {name: getattr(result.scan.acquisition, name) for name in HEADER}
    facts = {
        "scan_class": result.scan_class,
        "header": header,
        "covariates": asdict(result.covariates),
        "quality": [asdict(row) for row in result.quality],
        "threshold_free": asdict(result.threshold_free),
    }
    slabs = slabs_of(volume.geometry, result.scan.acquisition.slice_thickness_mm)
    around = 1 if isinstance(slabs, str) else max(1, slabs.joined - 1)
    packed = pack(volume, region, base_hu, slices_around=around)
    return KeptScan(base_hu, orjson.dumps(facts).decode(), packed)


def recall(row: Row) -> Recalled:
    """The scan of a row of the voxels table."""
    facts = orjson.loads(str(row["facts_json"]))
    header = facts["header"] | {"mass_factor_device": tuple(facts["header"]["mass_factor_device"])}
    acquisition = Acquisition(**(UNKNOWN | header))
    scan = Scan(str(row["scan_id"]), str(row["study_id"]), acquisition, ())
    packed = unpack(cast(bytes, row["packed"]))
    result = ScanResult(
        scan,
        None,
        "excluded",
        Covariates(**facts["covariates"]),
        cast(ScanClass, facts["scan_class"]),
        volume=VolumeFacts.of(packed.volume),
        quality=tuple(QualityRow(**one) for one in facts["quality"]),
        threshold_free=ThresholdFree(**facts["threshold_free"]),
    )
    return Recalled(result, packed.volume, packed.region, packed.base_hu)
