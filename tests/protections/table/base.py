"""Arrays, stamps, names and the list of work."""

from protection import P

ROWS = [
    P("kind-is-part-of-the-content", 11, "src/model/content.c", "kind_of_bytes(a->kind) == kind_of_bytes(b->kind) &&", "",
      "unit/model/test_plan:rows_of_other_programs_have_no_kind", "a file whose bytes are the list of a directory's hashes is not that directory"),
    P("a-name-keeps-its-kind", 1, "src/model/plan.c",
      "    } else if (other != NULL) {\n        refuse_other_kind(model, other);", "",
      "unit/model/test_plan:a_name_keeps_its_kind", "a file and a directory do not take turns under one name"),
    P("an-explicit-name-keeps-its-kind", 1, "src/model/plan.c",
      "else if (other != NULL && content_kinds_differ((ContentKind)other->kind, source.kind))", "else if (other != NULL && other->kind > 9)",
      "unit/model/test_plan:kinds_inside_the_tree", "also with explicit versions"),
    P("members-are-compared", 11, "src/model/content.c", "(a->members == NULL || b->members == NULL || digest_equal(a->members, b->members))", "true",
      "unit/model/test_plan:members_are_part_of_the_content", "executable bits and empty folders are part of a directory"),
    P("journal-knows-the-members", 2, "src/model/plan.c", "&& (same->members == NULL || content.members != NULL))", ")",
      "unit/model/test_plan_work:a_journal_without_members_does_not_prove_a_row_with_them", "an older journal knows nothing of them"),
    P("versions-in-any-order", "speed", "src/model/group.c", "group->unsorted = !rises;", "group->unsorted = 0;",
      "unit/model/test_plan_work:a_name_of_many_versions_takes_no_longer_than_many_names", "the store lists its rows in no order"),
    P("no-room-to-send-in", "waits", "src/store/postgres/put.c",
      "    if (sent == 0)\n"
      "        return err_no_memory(err);",
      "    while (sent == 0)\n"
      "        sent = PQputCopyData(pg->conn, data, (int)len);",
      "fault/test_memory.MemoryTest.test_no_room_to_send_in", "without memory libpq says what it says when the socket is full", may_hang=True),
    P("signal-while-names-are-read", "waits", "src/source/scan/entries.c", "if (!interrupt_check(err))", "if (out == NULL)",
      "fault/test_signal_scan.ScanTest.test_while_names_are_read", "a folder may hold millions of names, or be slow"),
    P("signal-while-files-are-looked-at", "waits", "src/source/scan/walk.c", "if (!interrupt_check(err) || !walk_enter(walk, name, &mark, err))",
      "if (!walk_enter(walk, name, &mark, err))",
      "fault/test_signal_scan.ScanTest.test_while_files_are_looked_at", "and each file of it be asked over a network"),
    P("signal-inside-a-directory", "waits", "src/base/file/tree.c", "if ((rules->flags & TREE_INTERRUPTIBLE) != 0 && !interrupt_check(err))",
      "if (lister == NULL)", "fault/test_signal_scan.ScanTest.test_inside_a_directory_model", "a directory model may be a large tree"),
    P("signal-while-links-are-followed", "waits", "src/source/scan/links.c", "ok = interrupt_check(err) && walk_enter", "ok = walk_enter",
      "fault/test_signal_scan.ScanTest.test_while_links_are_followed", "-L looks at links when all files are known"),
]
