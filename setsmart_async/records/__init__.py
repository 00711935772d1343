"""The shapes of the API: attrs classes, and the codec that reads and writes them."""
