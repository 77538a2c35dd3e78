"""``python -m calcarium``."""

from calcarium.cli import main

main()
