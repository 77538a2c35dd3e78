"""The command line: one file per command, loaded only when it is called."""

from __future__ import annotations

import sys
from importlib import import_module

import click

from calcarium.errors import CalciumError, UsageError
from calcarium.provenance import calcarium_version

COMMANDS: dict[str, str] = {
    "score": "Score an archive; the same command continues a run.",
    "plan": "What would be scored, and why not the rest. Nothing is scored.",
    "index": "Read the headers of an archive once, for plan and score.",
    "show": "State of a run; why is this study missing?",
    "verify": "Check that a result folder adds up.",
    "merge": "Join the result folders of a job array.",
    "rescore": "Score again by other conventions from kept voxels; no DICOM is touched.",
    "diff": "What changed between two runs, study by study, and why.",
    "look": "One picture per study: what counted, what did not.",
    "cohort": "Describe a cohort, compare its scores with others, follow patients over time.",
    "protocol": "List, show and check protocols.",
    "phantom": "Write synthetic studies that carry their truth.",
    "demo": "Score a small synthetic registry with faults and known truth.",
    "doctor": "Versions, codecs, devices; what is missing and how to get it.",
}


class LazyGroup(click.Group):
    """A group that imports a command's file only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        """Names in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import ``cli/<name>.py`` and return its ``command``."""
        if cmd_name not in COMMANDS:
            return None
        command = import_module(f"calcarium.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """List the commands without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(calcarium_version(), prog_name="calcarium")
def group() -> None:
    """Coronary artery calcium scores for whole archives of CT.

    \b
    calcarium score ARCHIVE --out RESULTS   the main job
    calcarium demo                          the same on synthetic studies with known truth
    """  # noqa: D301 (\b keeps the lines apart)


def main() -> None:
    """Run the command line; errors that a user can mend end in one sentence.

    Exit status: 0 finished, 1 could not be done, 2 wrong usage, 3 finished but
    nothing was scored or too much failed.
    """
    try:
        group(prog_name="calcarium")
    except CalciumError as error:
        click.echo(f"calcarium: {error}", err=True)
        sys.exit(2 if isinstance(error, UsageError) else 1)
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        click.echo(f"calcarium: {place}{error.strerror or error}", err=True)
        sys.exit(1)
