"""SetSmart in miniature: one pure handler, served in memory or over HTTP."""
