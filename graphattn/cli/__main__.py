"""`python -m graphattn.cli` is `graphattn`."""

from graphattn.cli.main import main

main()
