"""Storage by path or URL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from calcarium.errors import UsageError

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem


def file_system(url: str) -> tuple[AbstractFileSystem, str]:
    """The file system of a path or URL, and the path in it.

    Raises
    ------
    UsageError
        if the URL is empty, of a kind that is not known, or needs a package that is not there
    """
    import fsspec

    if not url.strip():
        raise UsageError("a path is empty; was a variable of the shell not set?")
    try:
        fs, path = fsspec.url_to_fs(url)
    except (ImportError, OSError, ValueError) as error:
        raise UsageError(f"{url} cannot be opened: {error}") from error
    return fs, str(path)
