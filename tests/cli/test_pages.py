"""Every code block of README.md and of the pages of docs/ is run, or says in the page why it is not."""

import re
import unittest

import story

NOT_RUN = [
    ("README.md", "the test is part of them"),
    ("README.md", "installs into the system"),
    ("docs/architecture.md", "a drawing"),
    ("docs/first-steps.md", "the test has built it"),
    ("docs/formats.md", "it names the fields"),
    ("docs/operations.md", "changes the system"),
]


class Pages(unittest.TestCase):
    def test_every_block_has_a_kind(self):
        for page in story.pages():
            for block in story.blocks(page):
                self.assertTrue(block.why_not is not None or hasattr(story.Story, f"do_{block.kind}"), block)

    def test_blocks_that_are_not_run(self):
        found = [(page, block.why_not) for page in story.pages() for block in story.blocks(page) if block.why_not is not None]
        self.assertEqual(found, NOT_RUN)

    def test_examples(self):
        """The crontab and the systemd units that are installed."""
        here = story.Story(self, "docs/operations.md")
        folder, first = story.ROOT / "scripts" / "examples", "export PGSERVICE=models; migrate_models_to_db run --upgrade -q models"
        here.do_sh(story.Block("", 0, "sh", first))
        for path in [*sorted(folder.glob("*.service")), *sorted(folder.glob("*.timer")), folder / "crontab"]:
            kind = "crontab" if path.name == "crontab" else "systemd"
            getattr(here, f"do_{kind}")(story.Block(path.name, 1, f"{kind} {path.name}", path.read_text()))

    def test_shapes(self):
        self.assertTrue(story.same_shape("new 12\n…\nin 3.1 s, x … y", "new   3\na\nb\nin 200 ms, x 7 8 y"))
        self.assertFalse(story.same_shape("new 12", "new 3\nfailed 1"))
        self.assertFalse(story.same_shape("… 12 new", "12 unchanged"))


def run_page(page):
    def test(self):
        story.Story(self, page).run()
    return test


for path in story.pages():
    setattr(Pages, "test_" + re.sub(r"\W", "_", path.removesuffix(".md")), run_page(path))


if __name__ == "__main__":
    unittest.main()
