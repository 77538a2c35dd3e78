"""A few scored phantoms registered as many patients; how much of their pixels was kept."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.compute as pc
import pydicom

from calcarium.tables.commit import commit_tables
from calcarium.tables.folder import ResultFolder
from calcarium.tables.read import open_results, read_table
from calcarium.tables.rows import TableName
from calcarium.tables.schema import TABLES
from calcarium.voxels import HEADER

# Every column that names a study, a scan, a patient or an image.
NAMES = (
    "study_id",
    "scan_id",
    "patient_key",
    "gated_scan_id",
    "nongated_scan_id",
    "contrast_scan_id",
    "primary_scan_id",
    "peak_sop_instance_uid",
)


def register(scored: Path, out: Path, studies: int) -> int:
    """Write a result folder of so many studies, in turn those that were scored.

    Returns
    -------
    how many distinct ones there are
    """
    shutil.copytree(scored, out)
    for name in TABLES:
        shutil.rmtree(ResultFolder.at(str(out)).table_path(name), ignore_errors=True)
    source, folder = open_results(str(scored)), ResultFolder.at(str(out))
    tables = {name: read_table(source, name) for name in TABLES}
    is_scored = pc.equal(tables["studies"]["outcome"], "scored")
    ids = tables["studies"].filter(is_scored).sort_by("study_id")["study_id"].combine_chunks()
    made: list[dict[TableName, pa.Table]] = []
    for copy, first in enumerate(range(0, studies, len(ids))):
        chosen = ids.slice(0, min(len(ids), studies - first))
        made.append({name: _copy(table, chosen, copy) for name, table in tables.items()})
    commit_tables(folder, {name: pa.concat_tables(m[name] for m in made) for name in TABLES})
    return len(ids)


def _copy(table: pa.Table, ids: pa.Array, copy: int) -> pa.Table:
    """The rows of some studies under names of their own."""
    table = table.filter(pc.is_in(table["study_id"], ids))
    for name in {*NAMES} & {*table.column_names}:
        place = table.schema.get_field_index(name)
        renamed = pc.binary_join_element_wise(table[name], str(copy), ".")
        table = table.set_column(place, table.schema.field(name), renamed)
    if "packed" in table.column_names:
        place = table.schema.get_field_index("packed")
        packed = [_with_other_uids(cell.as_py(), copy) for cell in table["packed"]]
        table = table.set_column(place, table.schema.field("packed"), pa.array(packed, pa.binary()))
    return table


def _with_other_uids(packed: bytes, copy: int) -> bytes:
    """Kept voxels whose images have other UIDs: bytes that no other study has."""
    made_in, length = HEADER.unpack_from(packed)
    body = packed[HEADER.size + length :]
    facts = orjson.loads(packed[HEADER.size : HEADER.size + length])
    facts["sop_instance_uid"] = [f"{uid}.{copy}" for uid in facts["sop_instance_uid"]]
    text = orjson.dumps(facts)
    return HEADER.pack(made_in, len(text)) + text + body


def share_kept(scored: Path, dicom: Path) -> float:
    """Bytes of the folder of voxels, of the uncompressed pixel bytes of the scans that it holds."""
    folder = open_results(str(scored))
    kept = Path(folder.table_path("voxels"))
    scans = {str(cell) for cell in read_table(folder, "voxels", ["scan_id"]).column(0)}
    n_bytes = sum(file.stat().st_size for file in kept.rglob("*.parquet"))
    return n_bytes / sum(_pixel_bytes(dicom, scans))


def _pixel_bytes(dicom: Path, scans: set[str]) -> Iterator[int]:
    for path in sorted(dicom.rglob("*.dcm")):
        header: Any = pydicom.dcmread(path, stop_before_pixels=True)
        if header.SeriesInstanceUID in scans:
            yield header.Rows * header.Columns * header.BitsAllocated // 8
