"""From what a site trains with to what a client contributes: one file a framework."""
