"""What the tests of scripts/python/migrate_models.py share: the module, and a store that it is configured for."""

import contextlib
import logging
import sys
import warnings
from unittest import mock

from harness import ROOT, CliCase

sys.path.insert(0, str(ROOT / "scripts" / "python"))
import migrate_models  # noqa: E402

DEFAULTS = dict(migrate_models._settings)


class TeamCase(CliCase):
    """A test whose functions of migrate_models speak to its own database; what they log is in self.log."""

    def setUp(self):
        super().setUp()
        self.use(self.url)

    def use(self, url=None, **settings):
        migrate_models.configure(**{**DEFAULTS, "url": url, **settings})
        migrate_models.clear_model_cache()
        if url:
            self.addCleanup(close)

    def upgrade(self):
        self.assertEqual(self.db("upgrade").code, 0)

    @contextlib.contextmanager
    def logged(self, level=logging.WARNING):
        """The lines that the module logs in the block."""
        with self.assertLogs("migrate_models", level) as caught:
            lines = []
            yield lines
        lines += caught.output

    @contextlib.contextmanager
    def psycopg3(self):
        """Without psycopg2 the module takes psycopg 3."""
        with mock.patch.dict(sys.modules, {"psycopg2": None}):
            self.use(self.url)
            yield


def close():
    """The connections of the module: a database with sessions cannot be emptied."""
    for store in migrate_models._default:
        store.local.kept = None
    migrate_models.configure(**DEFAULTS)


warnings.filterwarnings("ignore", module="sklearn")
