"""`python -m blindsum_cli`: the same commands as `blindsum`."""

from blindsum_cli.main import main

main()
