"""``calcarium protocol``: list, show and check protocols, and the conventions they name."""

from __future__ import annotations

import click


@click.group("protocol")
def command() -> None:
    """List, show and check protocols.

    A protocol is the science of a run: which scans, where calcium counts, which definitions
    of the score. Its hash is in every row.
    """


@command.command("list")
def list_protocols() -> None:
    """Shipped protocols and what they are for."""
    from rich.console import Console
    from rich.table import Table

    from calcarium.config import load_protocol, shipped_protocols
    from calcarium.config.load import describe

    table = Table("protocol", "classes", "hash", "what it is for", box=None)
    for name in shipped_protocols():
        protocols = load_protocol(name)
        table.add_row(name, ", ".join(protocols.by_class), protocols.hash, describe(name))
    Console().print(table)


@command.command("show")
@click.argument("name_or_file")
@click.option("--json", "as_json", is_flag=True, help="The resolved protocol as JSON, as hashed.")
def show_protocol(name_or_file: str, as_json: bool) -> None:
    """Every key of a resolved protocol with its meaning, unit and source."""
    from calcarium.config import load_protocol
    from calcarium.config.show import annotated_toml

    protocols = load_protocol(name_or_file)
    click.echo(protocols.to_json() if as_json else annotated_toml(protocols))


@command.command("check")
@click.argument("name_or_file")
def check_protocol(name_or_file: str) -> None:
    """Check a protocol file; names the key and the nearest one where it is wrong."""
    from calcarium.config import load_protocol
    from calcarium.scoring.score import check_scoring

    protocols = load_protocol(name_or_file)
    for protocol in protocols.by_class.values():
        check_scoring(protocol.scoring)
    click.echo(
        f"{protocols.name}: valid; scores {', '.join(protocols.by_class)}; hash {protocols.hash}"
    )


@command.command("conventions")
def list_conventions() -> None:
    """Definitions of the score that a protocol can name, with their sources."""
    from rich.console import Console
    from rich.table import Table

    from calcarium.scoring.conventions import CONVENTIONS

    table = Table("convention", "definition", "source", box=None)
    for convention in CONVENTIONS.values():
        table.add_row(convention.name, convention.title, convention.source)
    Console().print(table)
