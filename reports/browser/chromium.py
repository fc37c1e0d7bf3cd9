"""A headless Chromium, driven over the DevTools protocol through a pipe: nothing but Python's own library is needed."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

BINARIES = ("chromium", "chromium-browser", "google-chrome")


def find() -> str | None:
    """The browser of this machine, or None."""
    return next((path for path in map(shutil.which, BINARIES) if path), None)


class BrowserError(Exception):
    """The browser, or the script in the page, did not do what it was asked to."""


class Browser:
    """One browser process. Use as a context manager."""

    def __init__(self):
        binary = find()
        if binary is None:
            raise BrowserError("there is no Chromium on this machine: tools/setup test")
        self.profile = tempfile.mkdtemp(prefix="assay-chromium-")
        to_browser, self.orders = os.pipe()
        self.replies, from_browser = os.pipe()
        command = [binary, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--mute-audio",
                   "--no-first-run", "--disable-extensions", "--disable-background-networking", "--disable-sync",
                   "--disable-component-update", "--hide-scrollbars", f"--user-data-dir={self.profile}",
                   "--remote-debugging-pipe", "about:blank"]
        # The protocol's pipe is file descriptors 3 and 4 of the browser.
        shell = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        self.process = subprocess.Popen(["bash", "-c", shell, "chromium", *command], pass_fds=(to_browser, from_browser),
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        os.close(to_browser)
        os.close(from_browser)
        self.ids = itertools.count(1)
        self.buffer = b""
        self.events: list[dict] = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
            self.process.wait(timeout=10)
        except (BrowserError, OSError, subprocess.TimeoutExpired):
            self.process.kill()
            self.process.wait()
        os.close(self.orders)
        os.close(self.replies)
        shutil.rmtree(self.profile, ignore_errors=True)

    def receive(self) -> dict:
        while b"\0" not in self.buffer:
            part = os.read(self.replies, 1 << 20)
            if not part:
                raise BrowserError("the browser has ended")
            self.buffer += part
        message, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(message)

    def call(self, method: str, session: str | None = None, **parameters) -> dict:
        number = next(self.ids)
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self.orders, data):]
        while True:
            reply = self.receive()
            if reply.get("id") == number:
                if "error" in reply:
                    raise BrowserError(f"{method}: {reply['error'].get('message')}")
                return reply["result"]
            if "method" in reply:
                self.events.append(reply)

    def page(self, width: int, height: int = 900, dark: bool = False, script: bool = True) -> "Page":
        return Page(self, width, height, dark, script)


class Page:
    """One tab of a given width, in light or dark, with or without script."""

    def __init__(self, browser: Browser, width: int, height: int, dark: bool, script: bool):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.target = target
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Accessibility", "Log"):
            self.call(f"{domain}.enable")
        self.resize(width, height)
        self.call("Emulation.setEmulatedMedia", media="",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])
        if not script:
            self.call("Emulation.setScriptExecutionDisabled", value=True)

    def call(self, method: str, **parameters) -> dict:
        return self.browser.call(method, self.session, **parameters)

    def resize(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)

    def open(self, file: Path, fragment: str = "", ready: str | None = "document.documentElement.dataset.ready") -> float:
        """Opens a file and waits until `ready` holds. Returns the seconds that took, navigation included."""
        start = time.monotonic()
        self.call("Page.navigate", url="about:blank")
        start = time.monotonic()
        self.call("Page.navigate", url=file.resolve().as_uri() + fragment)
        self.wait(ready or "document.readyState === 'complete'")
        return time.monotonic() - start

    def wait(self, condition: str, seconds: float = 20) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                if self.run(f"!!({condition})"):
                    return
            except BrowserError:
                pass  # the page is being replaced
            time.sleep(0.01)
        raise BrowserError(f"after {seconds} s it does not hold that {condition}")

    def run(self, expression: str):
        """The value of an expression in the page; a promise is awaited."""
        reply = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in reply:
            details = reply["exceptionDetails"]
            raise BrowserError(details.get("exception", {}).get("description", details["text"]))
        return reply["result"].get("value")

    def press(self, key: str, code: str, number: int, text: str = "", shift: bool = False) -> None:
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=code, windowsVirtualKeyCode=number,
                      text=text if kind == "keyDown" else "", modifiers=8 if shift else 0)

    def tab(self) -> None:
        self.press("Tab", "Tab", 9)

    def mouse(self, kind: str, x: float, y: float, **more) -> None:
        """"mouseMoved", "mousePressed", "mouseReleased" or "mouseWheel" at a place of the window."""
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """"touchStart", "touchMove" or "touchEnd", with the fingers that are down."""
        self.call("Input.dispatchTouchEvent", type=kind,
                  touchPoints=[{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(points)])

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def screenshot(self, file: Path, whole: bool = False) -> None:
        reply = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(reply["data"]))

    def print_pdf(self) -> bytes:
        return base64.b64decode(self.call("Page.printToPDF", printBackground=True)["data"])

    def accessibility(self) -> list[dict]:
        """The accessibility tree as [{role, name}], what is ignored left out."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        return [{"role": node["role"]["value"], "name": node.get("name", {}).get("value", "")}
                for node in nodes if not node.get("ignored")]

    def messages(self) -> list[str]:
        """What this page complained about: exceptions, console errors, refused loads."""
        found = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                continue
            if event["method"] == "Runtime.exceptionThrown":
                details = event["params"]["exceptionDetails"]
                found.append(details.get("exception", {}).get("description", details["text"]))
            if event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                found.append(event["params"]["entry"]["text"])
        return found

    def requests(self) -> list[str]:
        """The addresses that this page asked for."""
        return [event["params"]["request"]["url"] for event in self.browser.events
                if event.get("sessionId") == self.session and event["method"] == "Network.requestWillBeSent"]

    def close(self) -> None:
        self.browser.call("Target.closeTarget", targetId=self.target)
