"""The command line of Blindsum: thin commands over the roles, and the demo."""
