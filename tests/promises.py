"""The numbered promises, and the page that lists them with the tests of each: `python tests/promises.py` writes it."""

import re
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "promises.md"
WHERE = ("tests", "setsmart_async/testing")

PROMISES: dict[str, dict[int, str]] = {
    "Retries, time, budget": {
        1: "One attempt is one request on the wire: the HTTP library's own resending is vetoed.",
        2: "What never left (no name, no connection, no time to connect) is repeated whatever it is, "
        "and ends as `ConnectError` with the outcome `not_sent`.",
        3: "A create whose answer is lost is sent once; its error says `unknown`, the call and its number.",
        4: "With an idempotency key a create is repeated byte for byte, and takes effect once.",
        5: "Connections that a server closes behind our back cost no call: reads are repeated, creates get their own.",
        6: "Each failure is repeated as often as one table says, for each class of request.",
        7: "`Retry-After` counts as 1 to 9 digits or as a date in GMT; everything else is ignored, never an error.",
        8: "A wait beyond the deadline, or beyond two minutes for a visitor, is refused without waiting.",
        9: "A call ends by its deadline wherever it stalls, and says in which phase.",
        10: "A connection that an attempt has given up on carries no other request.",
        11: "When everything fails, all calls together are repeated 35 times and no more, until some succeed.",
        12: "Waits are spread evenly (full jitter), bounded, and never overflow.",
        13: "The wall clock may jump: deadlines and waits do not care.",
        14: "A write that was answered with success is not sent again when the answer's body is lost.",
    },
    "Transport, protocol, TLS": {
        15: "A body that ends early is an error.",
        16: "A body whose end only the hang-up tells is refused: it could be half of it.",
        17: "A damaged or cut gzip body is an error, even when its length is as announced.",
        18: "A bomb is refused, with little memory and without holding up the loop.",
        19: "An encoding that was not asked for is refused; no decoder is called.",
        20: "Junk behind a gzip body, and thousands of empty ones, are refused at once.",
        21: "Bodies are bounded, announced or not.",
        22: "What is not HTTP is `ProtocolError`, never a 400.",
        23: "What is not JSON is `InvalidResponseError`, without a quote.",
        24: "Numbers that JSON does not know and lone surrogates are refused; of a key sent twice the last one counts.",
        25: "Odd statuses, and bodies where none belongs, end as an answer or an error, never in a hang.",
        26: "Headers are bounded, and no cookie comes back.",
        27: "An answer that nobody asked for reaches nobody: the connection is dropped, a record's id is checked.",
        28: "A redirect is an error; nothing is sent to where it points.",
        29: "A peer that goes silent or breaks off in mid-upload ends the attempt and frees its slot.",
        30: "A server without a trusted certificate sees no byte of a request.",
        31: "A base URL that can be misread is refused before anything is sent.",
        32: "An id is one encoded path segment, or refused.",
        33: "What no header can carry is refused by us.",
    },
    "Lifecycle and limiter": {
        34: "A cancellation passes wherever it strikes, and gives back slot, permit and connection.",
        35: "Closing ends every call with `ClientClosedError`, never with a bare cancellation.",
        36: "A loop that ended first, or a client that was forgotten: no hang, and one clear warning.",
        37: "A second loop, a thread and a forked child are refused; being made outside a loop is fine.",
        38: "Ten thousand tasks share fifty slots, first come, first served.",
        39: "A million calls leave no memory, task or file behind.",
        40: "The limiter keeps its invariants under any order of acquiring, cancelling and answering.",
        41: "Leaving an iteration leaves nothing behind.",
    },
    "Secrets": {
        42: "The key stands in the request's header and nowhere else: not in logs, errors, pickles or tracebacks.",
        43: "No error carries the HTTP library's objects, headers or guests' data.",
        44: "A key rotates under load without a failed call; one refresh at a time; the same key again is no loop.",
        45: "A key that can be none is refused by name, and not quoted.",
        46: "Proxies, `.netrc` and key logs from the environment change nothing.",
        47: "A 403 tells scope, address and key apart as far as its words do, and is never repeated.",
    },
    "Webhooks": {
        48: "What the scheme's own library signs is accepted, and the other way round.",
        49: "Whatever a forger sends ends as one uniform refusal, never as a server error.",
        50: "A timestamp is ten digits within five minutes, either way.",
        51: "Id, time and body can not be shifted into each other; no header counts twice.",
        52: "Another version, a truncated signature, a short secret: no downgrade.",
        53: "A delivery takes effect once, however often and late it comes.",
        54: "A body is bounded while it streams; compressed ones are refused.",
        55: "A body that was parsed and written anew is refused with a log that says why.",
        56: "An older event never overwrites a newer one; an unknown one is taken.",
    },
    "Sync": {
        57: "A sync that is killed at any instant goes on where it was: no row lost, none doubled, no effect twice.",
        58: "A partial pull deletes nothing: only what a complete pass did not list, and 404 confirms, is marked.",
        59: "What comes, goes and changes between pages is met by one more run; a live row is never swept.",
        60: "Readers see a page as it was or as it is; two syncs exclude each other; the newest version wins.",
    },
}
_TEST = re.compile(r"^ *(?:async )?def (test_r\d\d_\w+)\(", re.MULTILINE)
_CANNED = re.compile(r'Misbehaviour\(\s*"r(\d\d)"')


def tests() -> dict[int, list[tuple[str, str]]]:
    """By promise: names of tests, and their files below the project's root."""
    found: dict[int, list[tuple[str, str]]] = defaultdict(list)
    for path in sorted(path for folder in WHERE for path in (ROOT / folder).rglob("*.py")):
        text, place = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
        for name in _TEST.findall(text):
            for number in re.findall(r"_r(\d\d)(?=_)", name):
                found[int(number)].append((name, place))
        for number in dict.fromkeys(_CANNED.findall(text)):
            found[int(number)].append(("canned answers", place))
    return found


def page() -> str:
    lines = [
        "# What the library promises",
        "",
        "Each promise has a number, and tests that carry it in their names. Which of them hold on which transport is",
        "told in [transports.md](transports.md). This page is written by `python tests/promises.py`.",
    ]
    kept = tests()
    for part, promises in PROMISES.items():
        lines += ["", f"## {part}", "", "| | promise | tests |", "|---|---|---|"]
        for number, promise in promises.items():
            links = " · ".join(f"[{name.removeprefix('test_')}](../{place})" for name, place in kept[number])
            lines.append(f"| R-{number} | {promise} | {links} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
