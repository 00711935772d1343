"""The sandbox's live page in a real browser, while a sync runs: ``nox -s browser``. Needs Chromium and its driver.

Writes docs/live-page.png, to be looked at.
"""

import asyncio
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

from setsmart_async import SetSmart
from setsmart_async.sandbox.api import SANDBOX_API_KEY, SandboxApi
from setsmart_async.sandbox.quota import QuotaRule, QuotaSimulator
from setsmart_async.sandbox.server import SandboxServer

PICTURE = Path(__file__).parents[2] / "docs" / "live-page.png"


@contextmanager
def served(api: SandboxApi) -> Iterator[SandboxServer]:
    """The sandbox, in a thread of its own."""
    started, ended = threading.Event(), threading.Event()
    servers: list[SandboxServer] = []

    async def serve() -> None:
        async with SandboxServer(api) as server:
            servers.append(server)
            started.set()
            await asyncio.to_thread(ended.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert started.wait(10)
        yield servers[0]
    finally:
        ended.set()
        thread.join()


@pytest.fixture
def browser() -> Iterator[webdriver.Chrome]:
    binary, driver = shutil.which("chromium") or shutil.which("google-chrome"), shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("no Chromium with its driver: apt-get install chromium chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1100,1100"):
        options.add_argument(argument)
    made = webdriver.Chrome(options=options, service=webdriver.ChromeService(driver))
    try:
        yield made
    finally:
        made.quit()


def until(true: Callable[[], bool], what: str) -> None:
    patience = time.monotonic() + 20
    while not true():
        assert time.monotonic() < patience, what
        time.sleep(0.05)


async def pull(url: str) -> int:
    async with SetSmart(SANDBOX_API_KEY, base_url=url, deadline=None) as setsmart:
        return len(await setsmart.properties.list(page_size=50).all())


def test_the_page_follows_a_sync_and_its_switches_switch(browser: webdriver.Chrome) -> None:
    api = SandboxApi(1_000, reservations=10, quota=QuotaSimulator(QuotaRule(12, 2.0)))

    def shown(name: str) -> str:
        return browser.find_element(By.ID, name).text

    with served(api) as server:
        browser.get(server.page_url)
        until(lambda: shown("requests") == "0", "the page shows the figures")
        found: list[int] = []
        pulling = threading.Thread(target=lambda: found.append(asyncio.run(pull(server.url))))
        pulling.start()
        until(lambda: int(shown("requests")) > 3, "the page follows the sync")
        assert "of 12 used" in shown("used")
        assert shown("clients") == "1"
        pulling.join()
        assert found == [1_000]
        until(lambda: int(shown("requests")) >= 20, "it has seen all of it")
        assert shown("refused") == "0"

        field = browser.find_element(By.ID, "limit")
        field.clear()
        field.send_keys("40")
        Select(browser.find_element(By.ID, "algorithm")).select_by_visible_text("bucket")
        browser.find_element(By.ID, "apply").click()
        until(lambda: shown("said") == "Done.", "the rule is changed")
        assert api.quota.rule == QuotaRule(40, 2.0, "bucket")

        Select(browser.find_element(By.ID, "fault")).select_by_visible_text("503")
        browser.find_element(By.ID, "break").click()
        until(lambda: shown("planned") == "1", "the fault is planned")
        assert asyncio.run(pull(server.url)) == 1_000  # repeated, and survived
        until(lambda: shown("planned") == "0", "the fault has happened")
        until(lambda: "503" in shown("recent"), "the fault is listed")
        browser.save_screenshot(str(PICTURE))
        assert browser.get_log("browser") == []  # type: ignore[no-untyped-call]  # selenium's
