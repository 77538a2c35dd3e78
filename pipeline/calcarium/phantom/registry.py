"""Many synthetic studies in a folder, with their truth as tables."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np

from calcarium.errors import UsageError
from calcarium.phantom.codecs import syntax_uid
from calcarium.phantom.contrast import draw_bolus
from calcarium.phantom.plaques import PlaqueStyle
from calcarium.phantom.study import Kind, StudyOrder, StudyTruth, write_study

Row: TypeAlias = dict[str, str | int | float | bool]
ContrastScans: TypeAlias = Literal["none", "only", "pairs"]


def order_studies(
    studies: int,
    seed: int,
    *,
    kind: Kind = "thorax",
    gated_share: float = 0.5,
    syntax: str = "explicit",
    matrix: int = 512,
    distractors: bool = True,
    contrast: ContrastScans = "none",
    plaques: PlaqueStyle = "natural",
) -> list[StudyOrder]:
    """Orders for a registry; study ``i`` is the same however many follow it.

    Parameters
    ----------
    contrast : gated scans with a contrast agent alone, or beside the plain gated scan of the
        same person with the same calcium; then all are gated, whatever ``gated_share`` says
    plaques : as patients have them, or nine that lie apart

    Raises
    ------
    UsageError
        if a number is out of range or the transfer syntax is unknown.
    """
    if studies < 1 or not 0 <= gated_share <= 1 or seed < 0:
        raise UsageError("--studies must be 1 or more, --seed 0 or more, --gated-share 0 to 1")
    if kind != "thorax" and (contrast != "none" or plaques != "natural"):
        raise UsageError("--contrast and --plaques need --kind thorax")
    syntax_uid(syntax)
    orders = []
    for number in range(1, studies + 1):
        rng = np.random.default_rng([seed, number])
        gated = bool(rng.random() < gated_share) or contrast != "none"
        order = StudyOrder(
            number,
            int(rng.integers(2**31)),
            kind,
            gated,
            syntax,
            matrix,
            distractors,
            plaques=plaques,
        )
        orders += [order] if contrast != "only" else []
        orders += [replace(order, bolus=draw_bolus(rng))] if contrast != "none" else []
    return orders


def write_registry(
    out: Path,
    orders: Sequence[StudyOrder],
    *,
    workers: int = 2,
    on_study: Callable[[StudyTruth], None] | None = None,
) -> list[StudyTruth]:
    """Write all studies and the truth tables; the result does not depend on ``workers``.

    Raises
    ------
    UsageError
        if ``out`` holds a registry already.
    """
    if (out / "truth" / "studies.csv").exists() or (out / "dicom").exists():
        raise UsageError(f"{out} holds a registry already; choose an empty folder")
    truths = []
    for truth in _written(out, orders, workers):
        truths.append(truth)
        if on_study:
            on_study(truth)
    write_tables(out / "truth", truths)
    return truths


def _written(out: Path, orders: Sequence[StudyOrder], workers: int) -> Iterator[StudyTruth]:
    if workers < 2 or len(orders) < 2:
        yield from (write_study(out, order) for order in orders)
        return
    with ProcessPoolExecutor(min(workers, len(orders)), mp_context=get_context("spawn")) as pool:
        yield from pool.map(write_study, [out] * len(orders), orders)


def write_tables(folder: Path, truths: Sequence[StudyTruth]) -> None:
    """Write ``studies.csv``, ``plaques.csv`` and ``distractors.csv``."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_csv(folder / "studies.csv", [_study_row(truth) for truth in truths])
    _write_csv(folder / "plaques.csv", [row for truth in truths for row in _plaque_rows(truth)])
    _write_csv(
        folder / "distractors.csv", [row for truth in truths for row in _distractor_rows(truth)]
    )


def _study_row(truth: StudyTruth) -> Row:
    grid, plaques, bolus = truth.grid, truth.plaques, truth.order.bolus
    row: Row = {
        "number": truth.order.number,
        "kind": truth.order.kind,
        "seed": truth.order.seed,
        "study_instance_uid": truth.uids.study,
        "series_instance_uid": truth.uids.series,
        "folder": truth.folder,
        "gated": truth.technique.gated,
        "sex": truth.person.sex,
        "age_years": truth.person.age_years,
        "syntax": truth.order.syntax,
        "convolution_kernel": truth.technique.convolution_kernel,
        "n_slices": grid.shape[0],
        "slice_increment_mm": grid.slice_increment_mm,
        "slice_thickness_mm": grid.slice_thickness_mm,
        "row_spacing_mm": grid.row_spacing_mm,
        "column_spacing_mm": grid.column_spacing_mm,
        "left_heart_hu": bolus.left_hu if bolus else "",
        "right_heart_hu": bolus.right_hu if bolus else "",
        "n_plaques": len(plaques),
        "n_distractors": len(truth.distractors),
        "true_volume_mm3": round(sum(plaque.volume_mm3 for plaque in plaques), 3),
        "true_mass_mg": round(sum(plaque.mass_mg for plaque in plaques), 4),
    }
    for vessel in ("total", *truth.vessel_labels):
        ideal, suffix = truth.ideal.get(vessel), "" if vessel == "total" else f"_{vessel.lower()}"
        row[f"agatston{suffix}"] = ideal.agatston if ideal else ""
        row[f"volume_mm3{suffix}"] = ideal.volume_mm3 if ideal else ""
    return row


def _plaque_rows(truth: StudyTruth) -> Iterator[Row]:
    for plaque in truth.plaques:
        yield {
            "series_instance_uid": truth.uids.series,
            "vessel": plaque.vessel,
            "label": truth.vessel_labels[plaque.vessel],
            **_place(plaque.centre_mm),
            "volume_mm3": round(plaque.volume_mm3, 3),
            "mass_mg": round(plaque.mass_mg, 4),
            "density_mg_cm3": round(plaque.density_mg_cm3, 1),
            "peak_hu": round(plaque.peak_hu, 1),
            "hu_of_10_mm3": round(plaque.hu_of_10_mm3, 1),
        }


def _distractor_rows(truth: StudyTruth) -> Iterator[Row]:
    for item in truth.distractors:
        yield {
            "series_instance_uid": truth.uids.series,
            "kind": item.kind,
            "label": item.label,
            **_place(item.centre_mm),
            "volume_mm3": round(item.volume_mm3, 3),
            "peak_hu": round(item.peak_hu, 1),
        }


def _place(centre_mm: tuple[float, float, float]) -> Row:
    return {f"{axis}_mm": round(value, 3) for axis, value in zip("xyz", centre_mm, strict=True)}


def _write_csv(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        if rows:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
