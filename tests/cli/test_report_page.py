"""The HTML report in a real browser: what comes from data is text and nothing else, no request leaves, and the page fits a phone.

The pages are written by the unit test of the report, which has every kind of item in them.
"""

import html.parser
import http.server
import json
import pathlib
import shutil
import subprocess
import tempfile
import threading
import unittest

from harness import PROGRAM

WRITER = pathlib.Path(PROGRAM).resolve().parent / "tests" / "unit" / "report" / "test_inventory"
CHROMIUM = shutil.which("chromium")
FLAGS = ["--headless", "--hide-scrollbars", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage",
         "--allow-file-access-from-files"]

# Shows pages in frames of certain widths; a script outside of them writes what it sees into its own title.
FRAME = '<iframe src="%s.html" style="border:0;width:%dpx;height:844px"></iframe>\n'
VIEWER = """<!DOCTYPE html><meta charset=utf-8><title>waiting</title><body style="margin:0">
%s<script>
  onload = () => document.title = JSON.stringify([...document.querySelectorAll('iframe')].map(frame => {
    const page = frame.contentDocument, style = frame.contentWindow.getComputedStyle(page.body);
    page.querySelectorAll('details').forEach(d => d.open = true);
    return {width: page.documentElement.scrollWidth, background: style.backgroundColor, ink: style.color, title: page.title,
            scripts: page.scripts.length, images: page.images.length, links: page.links.length};
  }));
</script>"""


class Elements(html.parser.HTMLParser):
    """Elements in their order, with the names of their attributes, and all text."""

    def __init__(self, document):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(document)

    def handle_starttag(self, tag, attrs):
        if tag != "wbr": # where a name may break
            self.tags.append((tag, *(name for name, _ in attrs)))

    def handle_data(self, data):
        self.text += data


class Listener(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.seen.append(self.path)
        self.send_response(404)
        self.end_headers()

    def log_message(self, *_):
        pass


@unittest.skipUnless(CHROMIUM, "chromium is not installed; scripts/install-deps does it")
class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="cli-page-")
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        subprocess.run([str(WRITER), str(cls.folder)], check=True)

    def listen(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Listener)
        server.seen = []
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(thread.join)
        self.addCleanup(server.shutdown)
        return server

    def browse(self, name, *flags):
        """The document after the browser has loaded it and run what it would run."""
        with tempfile.TemporaryDirectory(prefix="cli-chromium-") as profile:
            done = subprocess.run([CHROMIUM, *FLAGS, *flags, f"--user-data-dir={profile}", "--timeout=20000", "--dump-dom",
                                   (self.folder / name).as_uri()], stdin=subprocess.DEVNULL, capture_output=True, timeout=90, check=True)
        return done.stdout.decode()

    def view(self, frames, *flags):
        """What the viewer sees of each (page, width)."""
        (self.folder / "view.html").write_text(VIEWER % "".join(FRAME % frame for frame in frames))
        text = self.browse("view.html", *flags)
        return json.loads(html.unescape(text[text.index("<title>") + 7:text.index("</title>")]))

    def test_hostile_names_are_text(self):
        hostile, tame = Elements(self.browse("hostile.html")), Elements(self.browse("tame.html"))
        self.assertGreater(len(tame.tags), 200)
        self.assertEqual(hostile.tags, tame.tags)
        for shown in ("<script src=http://127.0.0.1:1/s></script>", "<img src=http://127.0.0.1:1/i onerror=alert(1)>&lt;&#60;=1+1,\\x1b[31m"):
            self.assertGreater(hostile.text.count(shown), 20, shown)

    def test_nothing_runs_and_nothing_is_linked(self):
        seen, = self.view([("hostile", 1280)])
        self.assertEqual((seen["scripts"], seen["images"], seen["links"]), (0, 0, 0))
        self.assertTrue(seen["title"].startswith("</title></style></svg>\"'><script"), seen["title"])

    def test_no_request_leaves(self):
        server = self.listen()
        address = f"127.0.0.1:{server.server_address[1]}"
        page = (self.folder / "hostile.html").read_text().replace("127.0.0.1:1/", f"{address}/")
        (self.folder / "asking.html").write_text(page)
        self.browse("asking.html")
        self.assertEqual(server.seen, [])
        # The listener would have seen it, and the page's policy stops even what an escape had missed.
        asking = f"<img src=http://{address}/seen><script>new Image().src = 'http://{address}/ran'</script>"
        (self.folder / "control.html").write_text(asking)
        self.browse("control.html")
        self.assertLessEqual({"/seen", "/ran"}, set(server.seen))
        server.seen.clear()
        (self.folder / "guarded.html").write_text(page.replace("</main>", asking + "</main>"))
        self.browse("guarded.html")
        self.assertEqual(server.seen, [])

    def test_page_fits_a_phone_and_a_screen(self):
        frames = [(name, width) for name in ("tame", "hostile", "long") for width in (320, 390, 768, 1280)]
        seen = self.view(frames)
        self.assertEqual([(name, page["width"]) for (name, _), page in zip(frames, seen)], frames)

    def test_light_and_dark(self):
        def brightness(color):
            return sum(int(part) for part in color[color.index("(") + 1:-1].split(",")[:3])

        (light,), (dark,) = (self.view([("tame", 1280)], f"--blink-settings=preferredColorScheme={scheme}") for scheme in (1, 0))
        self.assertGreater(brightness(light["background"]), 600)
        self.assertLess(brightness(light["ink"]), 200)
        self.assertLess(brightness(dark["background"]), 150)
        self.assertGreater(brightness(dark["ink"]), 600)


if __name__ == "__main__":
    unittest.main()
