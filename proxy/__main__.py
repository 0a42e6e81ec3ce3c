"""``python -m proxy`` is the command ``reprise``."""

from proxy.cli import main

main()
