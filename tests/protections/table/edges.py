"""Times at the edges of 64 bits, deceptive names, signals while much is read."""

from protection import P

ROWS = [
    P("lfs-pointer-inside", 6, "src/source/pack.c", "ok = refuse_pointer(path, member->path, packer->piece, (size_t)head, err) &&", "ok =",
      "cli/test_sources.NotModels.test_git_lfs_pointer_inside_a_directory", "weights that were never fetched"),
    P("deceptive-names", "output", "src/base/text.c", "&& text_deceptive(s + i, len - i) == 0;", ";",
      "cli/test_edges.Deceptive.test_no_output_turns_the_terminal", "a name must not look like another one"),
    P("deceptive-names-in-json", "output", "src/port/json.c", "return escape_deceptive(text, len);", "return text;",
      "cli/test_edges.Deceptive.test_no_output_turns_the_terminal", "… nor in a line of JSON"),
    P("paths-are-kept", "output", "src/flow/run/batch.c", "if (text_utf8_valid(model->path, len) &&", "if (model->path[0] == '\\0' &&",
      "cli/test_edges.Deceptive.test_no_output_turns_the_terminal", "what is escaped for people is no path"),
    P("time-of-a-file", "times", "src/source/unpack/file.c", "(time_t)(ns / second - (fraction < 0))", "(time_t)(ns / second)",
      "cli/test_edges.Times.test_stored_proven_brought_back", "before 1970"),
    P("signal-while-a-file-is-read", "signals", "src/source/pack.c", "done += got;\n        if (!interrupt_check(err))", "done += got;\n        if (false)",
      "cli/test_edges.Interrupted.test_large_file_and_large_member", "noticed within a second", may_hang=True),
]
