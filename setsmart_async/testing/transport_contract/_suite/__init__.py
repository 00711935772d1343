"""The tests themselves, and the server that they play against."""
