"""A custodian's memory: every decision it ever signed, and the wraps of the rounds it is in."""
