"""What SetSmart offers: one file per resource."""
