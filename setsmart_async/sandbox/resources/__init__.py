"""What the sandbox offers: one file per resource."""
