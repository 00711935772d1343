"""The table of promises and transports says what the suite expects."""

import transports_table


def test_the_table_is_up_to_date() -> None:
    written = transports_table.PAGE.read_text(encoding="utf-8")
    assert written == transports_table.page(), "run: python tests/transports_table.py"


def test_every_promise_that_the_suite_tries_is_in_it() -> None:
    assert len(transports_table.tried()) > 20
