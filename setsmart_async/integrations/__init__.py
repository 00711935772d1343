"""Adapters to the frameworks around us: thin, and each needs its own library alone."""
