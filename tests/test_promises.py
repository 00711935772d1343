"""Every numbered promise has a test, every numbered test a promise, and the page says so."""

import promises


def test_every_promise_has_a_test() -> None:
    kept = promises.tests()
    numbers = [number for part in promises.PROMISES.values() for number in part]
    assert numbers == list(range(1, len(numbers) + 1))
    assert [number for number in numbers if not kept[number]] == []
    assert set(kept) <= set(numbers)


def test_the_page_is_up_to_date() -> None:
    assert promises.PAGE.read_text(encoding="utf-8") == promises.page(), "run: python tests/promises.py"
