"""Carriers of requests. Each HTTP client library is named in one file here, and imported when first used."""
