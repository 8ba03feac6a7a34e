"""Statistics: sums of declared integers over the sites, for people who train no model."""
