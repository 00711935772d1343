"""The public interface is what tests/public_api.txt says: a change of it is seen in review, signatures included."""

import public_api


def test_the_listing_is_up_to_date() -> None:
    written = public_api.LISTING.read_text(encoding="utf-8")
    assert public_api.listing().splitlines() == written.splitlines(), "run: python tests/public_api.py"
