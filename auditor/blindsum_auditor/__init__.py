"""The auditor: reads what all roles signed, from files, and believes nobody."""
