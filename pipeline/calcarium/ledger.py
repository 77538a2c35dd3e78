"""What a scan leaves behind, as rows: the ledger, the scores, the private links.

Nothing in a shareable row is a name, a path, a date or a raw patient id.
"""

from __future__ import annotations

from collections.abc import Sequence
from os.path import commonprefix

import numpy as np

from calcarium.errors import REASONS
from calcarium.outcome import ScanResult, VolumeFacts
from calcarium.quality import CHECKS
from calcarium.regions.model import Words
from calcarium.scoring.conventions import CONVENTIONS
from calcarium.scoring.model import ConventionScore, Measure, ScanScores
from calcarium.tables.feature_columns import FEATURES
from calcarium.tables.rows import Columns, Row, TableName


def _ids(result: ScanResult) -> Row:
    return {"scan_id": result.scan.scan_id, "study_id": result.scan.study_id}


def series_row(result: ScanResult) -> Row:
    """The ledger: how a scan ended, and how it was acquired, for every outcome."""
    choice, volume = result.choice, result.volume
    scan, seen = result.scan, result.scan.acquisition
    first = scan.files[0]
    return _ids(result) | {
        "outcome": result.outcome,
        "reason": result.reason,
        "reason_group": REASONS[result.reason].group if result.reason else None,
        "stage": result.stage,
        "error": result.error,
        "scan_class": result.scan_class,
        "gated": choice.gated if choice else None,
        "gated_evidence": choice.gated_evidence if choice else None,
        "contrast": choice.contrast if choice else None,
        "contrast_evidence": choice.contrast_evidence if choice else None,
        "modality": seen.modality,
        "manufacturer": seen.manufacturer,
        "manufacturer_model": seen.manufacturer_model,
        "convolution_kernel": seen.convolution_kernel,
        "filter_type": seen.filter_type,
        "kvp": seen.kvp,
        "tube_current_ma": seen.tube_current_ma,
        "ctdi_vol_mgy": seen.ctdi_vol_mgy,
        "heart_rate_bpm": seen.heart_rate_bpm,
        "cardiac_phase_percent": seen.cardiac_phase_percent,
        "slice_thickness_mm": seen.slice_thickness_mm,
        "slice_increment_mm": volume.slice_increment_mm if volume else None,
        "row_spacing_mm": volume.row_spacing_mm if volume else None,
        "column_spacing_mm": volume.column_spacing_mm if volume else None,
        "rows": first.rows,
        "columns": first.columns,
        "n_slices": volume.n_slices if volume else None,
        "n_files": len(scan.files),
        "fov_mm": seen.reconstruction_diameter_mm,
        "coverage_mm": volume.coverage_mm if volume else None,
        "shear_deg": volume.shear_deg if volume else None,
        "transfer_syntax_uid": first.transfer_syntax_uid,
        "lossy": seen.lossy_image_compression == "01",
    }


def scored_rows(results: Sequence[ScanResult]) -> dict[TableName, list[Row]]:
    """Rows of the tables that a score changes, beside its lesions."""
    return {
        "scores": [row for result in results for row in score_rows(result)],
        "vessels": [row for result in results for row in vessel_rows(result)],
        "quality": [row for result in results for row in quality_rows(result)],
    }


def score_rows(result: ScanResult) -> list[Row]:
    """One row per convention of a scored scan."""
    scores = result.scores
    if scores is None:
        return []
    return [
        _ids(result)
        | {
            "convention": score.convention,
            "score_type": score_type(result, score),
            "is_primary": score.convention == scores.primary,
            "mass_calibration": scores.mass_calibration,
            "mass_factor_mg_per_cm3_hu": scores.mass_factor_mg_per_cm3_hu,
            "threshold_hu": score.threshold_hu,
            "region_source": result.region_source,
            "region_sha256": result.region_sha256,
        }
        | score_cells(score)
        | threshold_free_cells(result)
        for score in scores.conventions
    ]


def score_type(result: ScanResult, score: ConventionScore) -> str | None:
    """What the score is a score of: the class of its scan, or what contrast CT allows."""
    return CONVENTIONS[score.convention].score_type or result.scan_class


def amount_cells(measure: Measure) -> Row:
    """Agatston, volumes and mass of a measure."""
    return {
        "agatston": measure.agatston,
        "volume_mm3": measure.volume_mm3,
        "volume_interpolated_mm3": measure.volume_interpolated_mm3,
        "mass_mg": measure.mass_mg,
    }


def score_cells(score: ConventionScore) -> Row:
    """A convention's total with its range and what was found."""
    moved = score.movement
    return amount_cells(score.total) | {
        "agatston_low": score.agatston_low,
        "agatston_high": score.agatston_high,
        "agatston_rejected": score.agatston_rejected,
        "agatston_measurement_low": moved.low if moved else None,
        "agatston_measurement_high": moved.high if moved else None,
        "agatston_measurement_cause": moved.cause if moved else None,
        "agatston_without_suspected_device": score.agatston_without_suspected_device,
        "n_lesions": score.total.n_lesions,
        "n_vessels": score.n_vessels,
        "detected": score.detected,
    }


def threshold_free_cells(result: ScanResult) -> Row:
    """Scores that hang on no convention."""
    found = result.threshold_free
    return {
        "spatially_weighted_score": found.spatially_weighted_score,
        "integrated_mass_mg": found.integrated_mass_mg,
    }


def vessel_rows(result: ScanResult) -> list[Row]:
    """One row per convention and artery, arteries without calcium included."""
    if result.scores is None:
        return []
    return [
        _ids(result)
        | {"convention": score.convention, "vessel": vessel, "n_lesions": measure.n_lesions}
        | amount_cells(measure)
        for score in result.scores.conventions
        for vessel, measure in score.vessels.items()
    ]


def lesion_columns(results: Sequence[ScanResult]) -> tuple[Columns, ...]:
    """The 3-D lesions of each scored scan, at the threshold of the primary convention."""
    return tuple(
        _lesions(result, result.scores, result.volume)
        for result in results
        if result.scores is not None and result.volume is not None
    )


def _lesions(result: ScanResult, scores: ScanScores, volume: VolumeFacts) -> Columns:
    lesions, labels = scores.lesions, scores.lesions.labels
    n = len(lesions)
    uid = np.array(volume.sop_instance_uid, dtype=np.object_)[lesions.peak_slice]
    unknown = np.full(n, np.nan)
    x_mm, y_mm, z_mm = lesions.centroid_mm.T
    columns: Columns = {
        "scan_id": result.scan.scan_id,
        "study_id": result.scan.study_id,
        "convention": scores.primary,
        "lesion_id": np.arange(n),
        "vessel": labels.vessel,
        "accepted": labels.counts,
        "standing": labels.standing,
        "rejected_by": _or_empty(labels.rejected_by),
        "confidence": labels.confidence,
        "agatston": lesions.agatston,
        "volume_mm3": lesions.volume_mm3,
        "mass_mg": lesions.mass_mg,
        "n_voxels": lesions.n_voxels,
        "area_mm2": lesions.area_mm2,
        "peak_hu": lesions.peak_hu,
        "mean_hu": lesions.mean_hu,
        "centroid_x_mm": x_mm,
        "centroid_y_mm": y_mm,
        "centroid_z_mm": z_mm,
        "slice_first": lesions.slice_first,
        "slice_last": lesions.slice_last,
        "peak_sop_instance_uid": _or_empty(uid),
    }
    # A measurement without a column of its own stays in, to be refused.
    measured = {
        f"feature_{name}": numbers
        for name, numbers in zip(labels.measured, labels.features, strict=True)
    }
    return columns | {c.name: unknown for c in FEATURES.values()} | measured


def _or_empty(column: Words) -> Words:
    """The same words; where there are none, an empty cell."""
    return np.where(column == "", np.array(None), column)


def quality_rows(result: ScanResult) -> list[Row]:
    """One row per check; unit and source come from the registry of checks."""
    return [
        _ids(result)
        | {
            "check": row.check,
            "value": row.value,
            "text": row.text or None,
            "unit": CHECKS[row.check].unit or None,
            "status": row.status,
            "source": CHECKS[row.check].source,
        }
        for row in result.quality
    ]


def voxel_rows(result: ScanResult) -> list[Row]:
    """What is kept to score a scan again, if anything is."""
    kept = result.kept
    if kept is None:
        return []
    cells: Row = {"base_hu": kept.base_hu, "facts_json": kept.facts_json, "packed": kept.packed}
    return [_ids(result) | cells]


def links_row(result: ScanResult) -> Row:
    """Private: whose scan it is and where it lies."""
    seen = result.scan.acquisition
    urls = [file.url for file in result.scan.files]
    return _ids(result) | {
        "folder": commonprefix(urls).rpartition("/")[0],  # noqa: RUF071 (cut to whole names)
        "first_url": min(urls),
        "patient_id": seen.patient_id,
        "patient_name": seen.patient_name,
        "patient_birth_date": seen.patient_birth_date,
        "accession_number": seen.accession_number,
        "study_date": seen.study_date,
        "series_date": seen.series_date,
        "study_description": seen.study_description,
        "series_description": seen.series_description,
    }


def message_row(result: ScanResult) -> Row:
    """Private: the words of an exclusion or error; they may name files."""
    return _ids(result) | {
        "outcome": result.outcome,
        "stage": result.stage,
        "error": result.error or result.reason,
        "message": result.message,
        "traceback": result.traceback,
    }
