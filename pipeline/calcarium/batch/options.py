"""How a run is carried out: nothing here can change a result, so nothing here is hashed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import ValidationError

from calcarium.config.keys import Section, key
from calcarium.config.load import configs_dir, read_toml, refuse_unknown
from calcarium.errors import UsageError


class RunOptions(Section):
    """Keys of a file in ``configs/runs``, or of one that is given with ``--run``."""

    workers: int = key(0, "Worker processes of the local cluster; 0 is one per core.", ge=0)
    bundles_per_worker: int = key(
        3, "Tasks in flight per worker: what bounds the memory of this process.", ge=2, le=100
    )
    bundle_s: float = key(
        1.0, "Work per task; studies that take less are bundled.", unit="s", ge=0.0, le=60.0
    )
    bundle_files: int = key(2000, "Most files in a bundle of more than one study.", ge=1)
    commit_s: float = key(5.0, "Longest time between two commits.", unit="s", ge=0.1)
    commit_studies: int = key(500, "Most studies in one commit.", ge=1)
    join_commits: int = key(50, "Small parts are joined after so many commits.", ge=2)
    retries: int = key(
        2, "How often a study is tried again when storage, memory or a device gave way.", ge=0
    )
    retry_after_s: float = key(2.0, "Wait before it is tried again.", unit="s", ge=0.0)
    resource_errors_in_a_row: int = key(
        20, "So many studies in a row that end in such an error stop the run.", ge=1
    )
    deaths: int = key(
        3, "Workers that may die over a study before it fails; the last time it runs alone.", ge=2
    )
    no_worker_s: float = key(120.0, "The run stops after this time without a worker.", unit="s")
    grace_s: float = key(30.0, "Time to finish what is in flight when stopped.", unit="s", ge=0.0)
    voxels_base_hu: float | None = key(
        None,
        "Keep the voxels of each region from this HU up, to score again without the files.",
        unit="HU",
        ge=-1024.0,
    )
    max_failed: float = key(
        0.05, "Greatest share of failed studies of a run that ends well.", ge=0.0, le=1.0
    )

    def changed(self, values: Mapping[str, object]) -> RunOptions:
        """The same options with some others.

        Raises
        ------
        UsageError
            if a value is not allowed.
        """
        return _checked({**self.model_dump(), **values}, "the options of the command")


def load_options(name_or_file: str) -> RunOptions:
    """Load and check a file of run options.

    Parameters
    ----------
    name_or_file : name of a shipped one, or path of a TOML file

    Raises
    ------
    UsageError
        if it does not exist or has a key or value that is not allowed.
    """
    shipped = {path.stem: path for path in sorted((configs_dir() / "runs").glob("*.toml"))}
    path = shipped.get(name_or_file, Path(name_or_file))
    if not path.is_file():
        raise UsageError(
            f"there is no run file {name_or_file!r} (shipped: {', '.join(shipped)}; "
            "or give a TOML file)"
        )
    table = read_toml(path)
    refuse_unknown(table, RunOptions.model_fields, path)
    return _checked(table, str(path))


def _checked(table: Mapping[str, object], where: str) -> RunOptions:
    try:
        return RunOptions.model_validate(table)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{where}: {first['loc'][0]}: {first['msg']}") from error
