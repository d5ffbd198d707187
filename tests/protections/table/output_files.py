"""What a user names is never replaced or unlinked unless it is a regular file."""

from protection import P

ROWS = [
    P("output-streams", "output files", "src/base/file/userfile.c", "if (userfile_is_stream(path))", "if (userfile_is_stream(path) && len == 0)",
      "cli/test_output_files.OutputFiles.test_fifo_gets_plan_and_report", "a FIFO or device named for a plan or report is written to"),
    P("output-links", "output files", "src/base/file/userfile.c", "return replace(real, data, len, mode, err);", "return replace(path, data, len, mode, err);",
      "cli/test_output_files.OutputFiles.test_links_are_followed", "a link stays a link"),
    P("output-of-the-shell", "output files", "src/base/file/userfile.c", "if (userfile_is_stdout(path)) return true;", "",
      "cli/test_output_files.OutputFiles.test_file_of_the_shell_keeps_its_inode", "the file of the shell's > is not replaced under it"),
    P("output-descriptors", "output files", "src/base/file/userfile.c", "if (flags >= 0 && (flags & FD_CLOEXEC) != 0) {", "if (flags < -1) {",
      "unit/base/test_userfile:device_and_descriptors_are_written_through", "/dev/fd/N is never one of our own"),
    P("get-special-files", "output files", "src/source/unpack/dest.c", "if (!dest->force || !is_replaceable(&st))", "if (!dest->force)",
      "unit/source/test_unpack_dest:force_refuses_special_files", "get --force replaces files and directories only, at the last moment too"),
    P("pipes-are-waited-for", "output files", "src/port/csvfile.c", "userfile_read(fd, piece, READ_BYTES)", "read(fd, piece, READ_BYTES)",
      "cli/test_output_files.OutputFiles.test_plan_is_read_from_a_fifo_that_is_written_later", "a plan from a slow pipe is not empty"),
    P("models-are-no-place-for-answers", 9, "src/source/source_tree.c", "(below[len] == '\\0' || below[len] == '/')", "false",
      "cli/test_output_files.OutputFiles.test_models_are_spared", "a plan over the only copy of a model"),
]
