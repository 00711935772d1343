"""Python imports this by itself when it starts: tests/conftest.py puts this folder on PYTHONPATH."""

import loopback

loopback.install()
