"""A real browser, headless: `chromium`, `page_at`. What tests do with a page is in `tests.browser.acting`.

Without chromium, or without Playwright's own Node, these tests are skipped and say so.
"""

import os
import shutil
import time

import pytest
from playwright.sync_api import Error, expect, sync_playwright

from sandbox.live_sandbox import SANDBOX_SETTINGS

pytest.register_assert_rewrite("tests.browser.acting", "tests.browser.clicking")

NAMES = ("chromium", "chromium-browser", "google-chrome")
# Nothing but the page: no updates, no field trials, and no name is looked up.
QUIET = ("--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1")
HEIGHTS = {1280: 900, 390: 844}
PATIENCE_MS = 20_000

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture
def make_world(make_loopback_world):
    """A browser reaches what is served on sockets."""
    return make_loopback_world


@pytest.fixture
def sandbox_world(make_loopback_world):
    """The world of `make sandbox`, on sockets; what is slow takes its time."""
    world = make_loopback_world(queued=True, **SANDBOX_SETTINGS)
    for server in world.servers:
        server.wait = time.sleep
    return world


@pytest.fixture(scope="session")
def chromium():
    """The browser of this worker."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        pytest.skip(f"no browser here: none of {', '.join(NAMES)} is on the path")
    # Chromium's own sandbox does not work for root, as whom containers run.
    as_root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=found, args=[*QUIET, *as_root])
        except Error as error:
            pytest.skip(f"{found} does not start: {error.message.splitlines()[0]}")
        yield browser
        browser.close()


@pytest.fixture
def page_at(chromium):
    """`page_at(width, dark, **options of the context)`: an empty page; any error in its console fails the test.

    `page_at.errors`: what there was so far.
    """
    contexts, errors = [], []

    def make(width=1280, dark=False, **options):
        context = chromium.new_context(viewport={"width": width, "height": HEIGHTS.get(width, 900)},
                                       color_scheme="dark" if dark else "light", **options)
        contexts.append(context)
        context.set_default_timeout(PATIENCE_MS)
        page = context.new_page()
        page.on("console", lambda said: errors.append(said.text) if said.type in ("error", "warning") else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("requestfailed", lambda request: _failed(request, errors))
        return page

    make.errors = errors
    yield make
    for context in contexts:
        context.close()
    assert errors == []


def _failed(request, errors):
    """A stream that ends because its page does is none; nor is what was still to come when the page was left."""
    if request.resource_type != "eventsource" and request.failure != "net::ERR_ABORTED":
        errors.append(f"{request.method} {request.url}: {request.failure}")


@pytest.fixture
def open_at(running, page_at):
    """`open_at(width, dark, **options)`: the sandbox's page, with everything so far on it."""
    def opened(width=1280, dark=False, **options):
        page = page_at(width, dark, **options)
        page.goto(running.url)
        return page

    return opened
