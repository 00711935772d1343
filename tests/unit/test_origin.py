"""Base URLs: what can be meant is read, everything else is refused before any I/O."""

from urllib.parse import urlsplit

import pytest
import yarl
from hypothesis import example, given
from hypothesis import strategies as st

from setsmart_async import ConfigurationError, Origin

SECRET = "canary0123456789"

READ = {
    "https://api.example.com/v1": Origin("https", "api.example.com", 443, "/v1"),
    "https://api.example.com/v1/": Origin("https", "api.example.com", 443, "/v1"),
    "https://api.example.com": Origin("https", "api.example.com", 443),
    "HTTPS://API.Example.COM/V1": Origin("https", "api.example.com", 443, "/V1"),
    "https://api.example.com:8443/a/b": Origin("https", "api.example.com", 8443, "/a/b"),
    "https://api.example.com:443": Origin("https", "api.example.com", 443),
    "https://xn--bcher-kva.example": Origin("https", "xn--bcher-kva.example", 443),
    "https://my_service.internal": Origin("https", "my_service.internal", 443),
    "https://api.example.com:1": Origin("https", "api.example.com", 1),
    "https://api.example.com:65535": Origin("https", "api.example.com", 65535),
    "https://10.0.0.1": Origin("https", "10.0.0.1", 443),
    "https://[2001:db8::1]:8443": Origin("https", "2001:db8::1", 8443),
    "http://127.0.0.1:8080/v1": Origin("http", "127.0.0.1", 8080, "/v1"),
    "http://127.8.9.10": Origin("http", "127.8.9.10", 80),
    "http://localhost:8080": Origin("http", "localhost", 8080),
    "HTTP://LOCALHOST": Origin("http", "localhost", 80),
    "http://[::1]:8080": Origin("http", "::1", 8080),
}


@pytest.mark.parametrize(("url", "origin"), READ.items())
def test_what_can_be_meant_is_read(url: str, origin: Origin) -> None:
    assert Origin.parse(url) == origin


@pytest.mark.parametrize("origin", READ.values(), ids=str)
def test_an_origin_reads_back_from_its_text(origin: Origin) -> None:
    assert Origin.parse(str(origin)) == origin


REFUSED = {
    "nothing": "",
    "blank": " ",
    "no scheme": "api.example.com/v1",
    "no scheme, but slashes": "//api.example.com/v1",
    "no host": "https:///v1",
    "only a port": "https://:443",
    "one slash": "https:/api.example.com",
    "another scheme": "ftp://api.example.com",
    "file": "file:///etc/passwd",
    "plain http": "http://api.example.com",
    "PLAIN HTTP": "HTTP://api.example.com",
    "plain http to a private address": "http://192.168.0.1",
    "plain http to all addresses": "http://0.0.0.0:8080",
    "plain http to a name that begins like loopback": "http://127.0.0.1.example.com",
    "plain http to a name that ends like localhost": "http://notlocalhost",
    "user and password": f"https://user:{SECRET}@api.example.com",
    "user alone": f"https://{SECRET}@api.example.com",
    "password with a blank": f"https://user:{SECRET} {SECRET}@api.example.com",
    "password with a question mark": f"https://user:{SECRET}?{SECRET}@api.example.com",
    "password with a scheme": f"https://user:{SECRET}://{SECRET}@api.example.com",
    "credentials without a scheme": f"user:{SECRET}@api.example.com",
    "empty credentials": "https://@api.example.com",
    "query": f"https://api.example.com/v1?api_key={SECRET}",
    "empty query": "https://api.example.com?",
    "fragment": f"https://api.example.com/v1#{SECRET}",
    "empty fragment": "https://api.example.com#",
    "decimal address": "https://2130706433",
    "decimal address on http": "http://2130706433",
    "hexadecimal address": "https://0x7f000001",
    "hexadecimal parts": "https://0x7f.0.0.1",
    "octal parts": "https://0177.0.0.1",
    "short address": "https://127.1",
    "five parts": "https://1.2.3.4.5",
    "address out of range": "https://1.2.3.256",
    "IPv6 zone": "https://[fe80::1%25eth0]",
    "raw IPv6 zone": "https://[fe80::1%eth0]",
    "IPv6 without brackets": "https://::1",
    "IPv6 bracket left open": "https://[::1",
    "impossible IPv6": "https://[1:2]",
    "IPv6 with two gaps": "https://[1::2::3]",
    "IPv6 with something behind": "https://[::1]evil.example",
    "IPv6 of the future": "https://[v1.example]",
    "brackets around a name": "https://[localhost]",
    "brackets around an IPv4 address": "https://[127.0.0.1]",
    "trailing dot": "https://api.example.com.",
    "leading dot": "https://.api.example.com",
    "two dots": "https://api..example.com",
    "only a dot": "https://.",
    "escaped host": "https://api%2eexample.com",
    "backslash in the host": "https://api.example.com\\evil.example",
    "backslash in the path": "https://api.example.com/\\evil.example",
    "comma": "https://a.example,b.example",
    "asterisk": "https://*.example.com",
    "no Latin letters": "https://bücher.example",
    "full-width dot": "https://api。example.com",
    "port 0": "https://api.example.com:0",
    "port too large": "https://api.example.com:65536",
    "huge port": "https://api.example.com:" + "9" * 5000,
    "negative port": "https://api.example.com:-1",
    "port in words": "https://api.example.com:https",
    "port with a plus": "https://api.example.com:+443",
    "Arabic port": "https://api.example.com:٤٤٣",
    "colon and no port": "https://api.example.com:",
    "two ports": "https://api.example.com:443:444",
    "path that climbs": "https://api.example.com/v1/../admin",
    "path with a dot": "https://api.example.com/./v1",
    "path that climbs in escapes": "https://api.example.com/%2e%2e/admin",
    "doubled slash": "https://api.example.com//v1",
    "line break": "https://api.example.com/v1\r\nX-Evil: 1",
    "tab": "https://api.exa\tmple.com",
    "NUL": "https://api.example.com/\0",
    "blank in front": " https://api.example.com",
    "newline behind": "https://api.example.com\n",
    "DEL": "https://api.example.com/\x7f",
    "lone surrogate": "https://api.example.com/\ud800",
    "quote": 'https://api.example.com/"v1"',
    "angle bracket": "https://api.example.com/<v1>",
}


@pytest.mark.parametrize("url", REFUSED.values(), ids=list(REFUSED))
def test_r31_everything_else_is_refused_without_quoting_a_secret(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Origin.parse(url)
    assert SECRET not in str(caught.value)
    assert "base URL" in str(caught.value)


REASONS = {
    "https://user@api.example.com": "credentials",
    "https://api.example.com\t": "a character",
    "https://api.éxample.com": "a character",
    "https://api.example.com/a b": "a character",
    "https://api.example.com?a": "a query or a fragment",
    "https://api.example.com#a?b": "'https://api.example.com' has a query or a fragment",
    "https://api.example.com?a#b?c": "'https://api.example.com' has a query or a fragment",
    "ftp://api.example.com": "of the form https://host",
    "https://127.1": "host '127.1' is not a plain host name",
    "https://api.example.com:0": "an impossible port",
    "https://api.example.com/../a": "a path with dots",
    "http://api.example.com": "plain http, .* unencrypted",
}


@pytest.mark.parametrize(("url", "reason"), REASONS.items())
def test_a_refusal_says_why(url: str, reason: str) -> None:
    with pytest.raises(ConfigurationError, match=reason):
        Origin.parse(url)


TEXTS = {
    Origin("https", "api.example.com", 443, "/v1"): "https://api.example.com/v1",
    Origin("https", "api.example.com", 80): "https://api.example.com:80",
    Origin("http", "localhost", 80): "http://localhost",
    Origin("http", "localhost", 443): "http://localhost:443",
    Origin("http", "::1", 8080, "/v1"): "http://[::1]:8080/v1",
}


@pytest.mark.parametrize(("origin", "text"), TEXTS.items(), ids=list(TEXTS.values()))
def test_the_text_of_an_origin_leaves_out_what_goes_without_saying(origin: Origin, text: str) -> None:
    assert str(origin) == text


PIECES = st.tuples(
    st.sampled_from(["https://", "http://", "HTTPS://", "https:", "//", "ftp://", ""]),
    st.sampled_from(["", "", "", "user:pass@", "@", "a@b@"]),
    st.sampled_from(["api.example.com", "127.0.0.1", "[::1]", "localhost", "0x7f.1", "[::1", "a_b", "EVIL", ""])
    | st.text(max_size=8),
    st.sampled_from(["", "", ":443", ":8080", ":0", ":65536", ":", ":x", ":0080"]),
    st.sampled_from(["", "/", "/v1", "/v1/", "//", "/../x", "/a b", "/%2e", "\\x"])
    | st.text(max_size=8).map(lambda text: "/" + text),
    st.sampled_from(["", "", "?a=1", "#b"]),
).map("".join)


@given(st.text() | PIECES)
@example("https://[v1.x]/")
def test_r31_any_text_is_an_origin_that_everyone_reads_alike_or_refused(url: str) -> None:
    try:
        origin = Origin.parse(url)
    except ConfigurationError:
        return
    assert origin.scheme == "https" or origin.is_loopback
    assert 0 < origin.port < 65536
    assert Origin.parse(str(origin)) == origin
    as_yarl, as_urllib = yarl.URL(str(origin), encoded=True), urlsplit(str(origin))
    assert (as_yarl.scheme, as_yarl.raw_host, as_yarl.port) == (origin.scheme, origin.host, origin.port)
    assert (as_urllib.scheme, as_urllib.hostname) == (origin.scheme, origin.host)
    assert as_urllib.port in (origin.port, None)
    assert as_urllib.path == origin.path
    assert as_yarl.raw_path == (origin.path or "/")


LOOPBACK = [("localhost", True), ("127.0.0.1", True), ("127.255.0.1", True), ("::1", True)]
ELSEWHERE = [("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("localhost.example.com", False)]


@pytest.mark.parametrize(("host", "loopback"), [*LOOPBACK, *ELSEWHERE])
def test_loopback_is_what_can_only_be_this_machine(host: str, loopback: bool) -> None:
    assert Origin("http", host, 80).is_loopback is loopback
