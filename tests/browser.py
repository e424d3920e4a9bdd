"""Headless Chromium, as it is installed on the machine, for the tests of the page and for its pictures."""

import os
import shutil
from contextlib import contextmanager

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# Without these, Chromium asks for updates and the like, which is neither wanted nor always possible.
FLAGS = [
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]


class NoBrowser(Exception):
    """There is none; the message says what is missing."""


def executable():
    """Return the path of the browser: $TRACEFUNC_BROWSER, or the first of NAMES that is installed."""
    named = os.environ.get("TRACEFUNC_BROWSER")
    found = [path for path in map(shutil.which, [named] if named else NAMES) if path]
    if not found:
        raise NoBrowser(f"no browser: none of {', '.join([named] if named else NAMES)} is installed (Debian: chromium)")
    return found[0]


@contextmanager
def chromium():
    """A running browser; raises NoBrowser where it or Playwright is missing."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise NoBrowser(f"no Playwright ({error}): install the group `browser`") from error
    path = executable()
    flags = FLAGS + (["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else [])
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        try:
            yield browser
        finally:
            browser.close()


WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", (event) => window.violations.push(event.violatedDirective + " " + event.blockedURI));
"""


class Watched:
    """A page of a browser, and what it should not have done."""

    def __init__(self, browser, **options):
        self.context = browser.new_context(**options)
        self.page = self.context.new_page()
        self.requests, self.errors = [], []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text) if message.type == "error" else None)
        self.page.on("dialog", lambda dialog: self.errors.append(dialog.message))
        self.page.add_init_script(WATCH)

    def open(self, path):
        self.url = path.as_uri()
        self.page.goto(self.url)
        return self.page

    def check(self):
        """Fail where the page asked for anything, broke its own policy, or failed."""
        assert self.errors == []
        assert self.page.evaluate("window.violations") == []
        assert [url for url in self.requests if url not in (self.url, "data:,")] == []
