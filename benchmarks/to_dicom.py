"""Scans that are kept as NIfTI, MetaImage or NRRD, written as DICOM.

    python benchmarks/to_dicom.py SCANS --out DICOM
    calcarium score DICOM --masks MASKS --protocol gated --out RESULTS

Each scan gets a folder of its name, so a mask of that name is found. Values are taken as Hounsfield
units. Such files say nothing of tube voltage, gating, contrast or the patient, so a score of them
has a failed check of the voltage, and the protocol says of what class they are. The slice thickness
is taken to be the distance of slices, which is too small where slices overlap.
"""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import format_number_as_ds

from calcarium.errors import CalciumError
from calcarium.regions.formats.read import mask_stem, read_voxels
from calcarium.regions.labelmap import Affine

FORMATS = (".nii", ".nii.gz", ".mha", ".mhd", ".nrrd")
LEAST, MOST = np.iinfo(np.int16).min, np.iinfo(np.int16).max


def turned_to_patient(
    voxels: NDArray[np.generic], to_lps: Affine
) -> tuple[NDArray[np.generic], Affine]:
    """The same voxels with planes towards the head, rows towards the back, columns to the left."""
    nearness = np.abs(to_lps[:3, :3] / np.linalg.norm(to_lps[:3, :3], axis=0))
    order = max(permutations(range(3)), key=lambda p: sum(nearness[2 - i, p[i]] for i in range(3)))
    turned = to_lps[:, [*order, 3]].copy()
    voxels = voxels.transpose(order)
    for axis, size in enumerate(voxels.shape):
        if turned[2 - axis, axis] < 0:
            turned[:3, 3] += turned[:3, axis] * (size - 1)
            turned[:3, axis] *= -1
            voxels = np.flip(voxels, axis)
    return voxels, turned


def write_scan(folder: Path, voxels: NDArray[np.generic], to_lps: Affine) -> None:
    """Write a scan, one file for each plane.

    Raises
    ------
    ValueError
        if a value is no Hounsfield unit that 16 bits hold
    FileExistsError
        if the folder is there already
    """
    if not (np.isfinite(voxels).all() and voxels.min() >= LEAST and voxels.max() <= MOST):
        raise ValueError("its values are no Hounsfield units")
    voxels, to_lps = turned_to_patient(voxels, to_lps)
    increment, row_spacing, column_spacing = np.linalg.norm(to_lps[:3, :3], axis=0)
    study, series, frame = (generate_uid(entropy_srcs=[folder.name, w]) for w in ("1", "2", "3"))
    folder.mkdir(parents=True)
    for z, plane in enumerate(np.rint(voxels).astype("<i2")):
        ds = Dataset()
        ds.SOPClassUID, ds.SOPInstanceUID = (
            CTImageStorage,
            generate_uid(entropy_srcs=[series, str(z)]),
        )
        ds.Modality, ds.ImageType = "CT", ["ORIGINAL", "PRIMARY", "AXIAL"]
        ds.SpecificCharacterSet = "ISO_IR 192"
        ds.PatientID, ds.StudyID = folder.name[:64], folder.name[:16]
        ds.SeriesDescription = folder.name[:64]
        ds.StudyInstanceUID, ds.SeriesInstanceUID, ds.FrameOfReferenceUID = study, series, frame
        ds.SeriesNumber, ds.InstanceNumber = 1, z + 1
        ds.ImageOrientationPatient = [
            _decimal(n) for n in (*to_lps[:3, 2] / column_spacing, *to_lps[:3, 1] / row_spacing)
        ]
        ds.ImagePositionPatient = [_decimal(n) for n in (to_lps @ [z, 0, 0, 1])[:3]]
        ds.PixelSpacing = [
            _decimal(row_spacing),
            _decimal(column_spacing),
        ]
        ds.SliceThickness = _decimal(increment)
        ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
        ds.Rows, ds.Columns = plane.shape
        ds.BitsAllocated = ds.BitsStored = 16
        ds.HighBit, ds.PixelRepresentation = 15, 1
        ds.RescaleSlope, ds.RescaleIntercept, ds.RescaleType = "1", "0", "HU"
        ds.PixelData = plane.tobytes()
        ds.file_meta = FileMetaDataset()
        ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        ds.save_as(folder / f"IM{z + 1:04d}.dcm", enforce_file_format=True)


def _decimal(value: float) -> str:
    return format_number_as_ds(float(value))


@click.command()
@click.argument("scans", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of DICOM.")
def main(scans: Path, out: Path) -> None:
    """Write every NIfTI, MetaImage and NRRD file in SCANS as DICOM."""
    files = [file for file in sorted(scans.iterdir()) if file.name.lower().endswith(FORMATS)]
    if not files:
        raise click.UsageError(f"{scans}: no file ends in {', '.join(FORMATS)}")
    for file in files:
        folder = out / str(mask_stem(file.name))
        try:
            write_scan(folder, *read_voxels(str(file)))
        except FileExistsError as error:
            raise click.ClickException(f"{folder} is there already") from error
        except (CalciumError, ValueError) as error:
            raise click.ClickException(f"{file}: {error}") from error
        click.echo(f"{file.name}: {folder}")


if __name__ == "__main__":
    main()
