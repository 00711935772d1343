"""Certificates made on the fly, and TLS settings that use them."""

import ssl
import warnings
from datetime import UTC, datetime, timedelta
from functools import cache

import trustme


@cache
def authority() -> trustme.CA:
    """The one that the client trusts."""
    return trustme.CA()


def trusting(ca: trustme.CA | None = None) -> ssl.SSLContext:
    """A client's settings that trust this authority, and no other."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    (ca or authority()).configure_trust(context)  # pyright: ignore[reportUnknownMemberType] - it takes pyOpenSSL's contexts too
    return context


def serving(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A server's settings with this certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - it takes pyOpenSSL's contexts too
    return context


def good() -> ssl.SSLContext:
    return serving(authority().issue_cert("127.0.0.1"))


def wrong_host() -> ssl.SSLContext:
    return serving(authority().issue_cert("api.setsmart.invalid"))


def other_authority() -> ssl.SSLContext:
    return serving(trustme.CA().issue_cert("127.0.0.1"))


def expired() -> ssl.SSLContext:
    long_ago = datetime.now(UTC) - timedelta(days=30)
    return serving(authority().issue_cert("127.0.0.1", not_before=long_ago, not_after=long_ago + timedelta(days=1)))


def outdated() -> ssl.SSLContext:
    """TLS 1.1 at most, which no client should speak."""
    context = good()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    return context
