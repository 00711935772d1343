"""How one call becomes one answer."""
