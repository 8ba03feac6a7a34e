"""The wire: the only language that the roles share."""
