"""All protections: the rows of every file of table/, each about one invariant or one subject."""

import importlib
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent / "table"))
PROTECTIONS = [row for path in sorted((pathlib.Path(__file__).parent / "table").glob("*.py")) for row in importlib.import_module(path.stem).ROWS]
