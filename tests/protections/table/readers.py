"""Readers and writers beside the program: the Python module, and a table of somebody else's."""

from protection import P

MODULE, INTO = "scripts/python/migrate_models.py", "src/store/postgres/into/"

ROWS = [
    P("python-compares-the-digest", "readers", MODULE, "if row.stored_sha256 is not None and digest.digest() != bytes(row.stored_sha256):", "if False:",
      "cli/test_python_models.Functions.test_damage_is_found_before_anything_is_unpickled", "damage is found before anything is unpickled"),
    P("python-counts-again", "readers", MODULE, "if attempt + 1 == SAVE_TRIES or not _is_race(error):", "if True:",
      "cli/test_python_models.Functions.test_eight_savers_at_once", "two savers at once get two versions"),
    P("python-notices-another-payload", "readers", MODULE, "key = (self.url, row.name, row.version, mark) if cache and mark else None",
      "key = (self.url, row.name, row.version, 1) if cache and mark else None",
      "cli/test_python_models.Functions.test_cached_until_changed", "the cache knows a payload by its digest"),
    P("python-extracts-inside", "readers", MODULE, 'if path.is_absolute() or ".." in path.parts or not (member.isreg() or member.isdir()):', "if False:",
      "cli/test_python_versions.Versions.test_members_outside_are_refused", "a tar of somebody else's stays in its folder"),
    P("python-nested-pickles-are-fenced", "readers", MODULE, "if self.dtype.hasobject:", "if False:",
      "cli/test_python_models.Hostile.test_other_imports_are_refused", "an object array holds a pickle of its own"),
    P("only-empty-rows-are-filled", 1, INTO + "put.c", '"coalesce(pg_catalog.octet_length(%s), 0) OPERATOR(pg_catalog.=) 0",', '"%s IS DISTINCT FROM NULL OR true",',
      "cli/test_into.Into.test_a_row_that_is_filled_while_we_pack", "what another program wrote at the same moment stays"),
    P("twins-have-no-name", 1, INTO + "list.c", "ok = rows.items[i].is_twin || visit->take(", "ok = visit->take(",
      "cli/test_into.Into.test_no_row_and_two_rows", "two rows with one beginning of their id are no model"),
]
