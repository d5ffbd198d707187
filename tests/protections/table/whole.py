"""8: a source that changes while it is read is never stored half-and-half."""

from protection import P

ROWS = [
    P("stat-before-and-after", 8, "src/source/pack.c", "if (done != size || !same_stat(before, &after)) {", "if (done != size) {",
      "fault/test_moving_sources.SourceTest.test_rewritten_with_the_same_size", "a rewritten file"),
    P("bytes-are-the-size", 8, "src/source/pack.c", "if (done != size || !same_stat(before, &after)) {", "if (!same_stat(before, &after)) {",
      "unit/source/test_pack:size_that_is_not_so", "more or fewer bytes than the file has"),
    P("ctime-counts", 8, "src/source/pack.c", " && a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;", ";",
      "fault/test_moving_sources.SourceTest.test_rewritten_with_the_same_size_and_time", "mtime can be set back"),
    P("tick-is-waited-out", 8, "src/source/pack.c", "if (changed_ns > now - TICK_NS && changed_ns <= now)", "if (now < 0)",
      "unit/source/test_pack:tick_is_waited_out", "two writes of one clock tick leave one time"),
    P("members-as-listed", 8, "src/source/pack.c", "if (!member_is(member, &st)) {", "if (!S_ISREG(st.st_mode)) {",
      "fault/test_moving_sources.SourceTest.test_member_of_a_directory_model", "a member that changed since the list was made"),
    P("list-before-and-after", 8, "src/source/pack.c", "if (!tree_same(&before, &after)) {", "if (before.count == 0) {",
      "fault/test_moving_sources.SourceTest.test_members_change_together", "a member that came or went"),
    P("source-is-no-link", 8, "src/base/file/fs.c", "(follow ? 0 : RESOLVE_NO_SYMLINKS)", "0",
      "unit/base/test_fs:beneath", "a source that became a link is not followed"),
    P("source-is-below", 8, "src/base/file/fs.c", "how.resolve = RESOLVE_BENEATH |", "how.resolve =",
      "unit/base/test_fs:beneath", "nothing outside of the tree is read"),
    P("source-does-not-block", 8, "src/base/file/fs.c", "((flags & O_PATH) != 0 ? 0 : O_NONBLOCK)", "0",
      "unit/base/test_fs:fifo_does_not_block", "to open a FIFO would wait for ever", may_hang=True),
    P("links-need-the-option", 8, "src/source/scan/links.c",
      "    if (walk->rules->follow_links) {\n"
      "        const char *path",
      "    if (walk->list != NULL) {\n"
      "        const char *path",
      "cli/test_sources.Links.test_link_to_a_file", "without -L no link is followed"),
    P("links-stay-inside", 8, "src/base/file/link.c", "if (below == NULL) {", "if (target[0] == '\\0') {",
      "cli/test_sources.Links.test_followed_never_outside", "-L does not leave the tree"),
]
