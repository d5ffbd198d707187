"""What lies in real folders: passed over and counted, hidden, kinds of directory."""

from protection import P

ROWS = [
    P("left-out-is-counted", 14, "src/source/scan/walk.c", "return left_out_file(&walk->list->left_out, walk->path.data, is_pickle, err);", "return true;",
      "cli/test_real_trees.LeftOut.test_every_report_counts_them", "after a green check people delete the folder"),
    P("quiet-run-of-nothing", 14, "src/cmd/command.c", "if (context->options->quiet)\n        warn_of_nothing(context, models);", "",
      "cli/test_real_trees.LeftOut.test_quiet_run_that_finds_nothing_is_noticed", "a job of cron that does nothing"),
    P("hidden-folders", "scan", "src/source/scan/walk.c", "if (!walk->rules->hidden && kinds_is_hidden(name, entry_type(name)))", "if (false)",
      "cli/test_real_trees.Hidden.test_rubbish_is_no_model_and_no_failure", "snapshots are not models"),
    P("root-is-a-model", "scan", "src/source/scan/walk.c", "if (is_root && is_marked)", "if (false)",
      "cli/test_real_trees.Kinds.test_models_dir_that_is_a_model", "the user named the model itself"),
    P("weak-config", "scan", "src/source/scan/kinds.c", "(kinds[i].is_weak && holds_models) ||", "",
      "unit/source/test_kinds:weights_beside_a_config", "a config.json beside models does not make them one"),
    P("cut-short", "load", "src/source/pack.c", "!sound_tail(fd, path, packer->piece, (size_t)head, (uint64_t)st.st_size, err) ||", "",
      "cli/test_real_trees.Sound.test_half_copies", "half of a model is never live"),
    P("cut-short-stream", "load", "src/source/pack.c", "if (packer->inflating && !inflater_is_complete(packer->inflater))", "if (false)",
      "cli/test_real_trees.Sound.test_half_copies", "nor half of a compressed one"),
    P("no-model-inside", "load", "src/source/pack.c", "if (!sound_head(path, packer->piece, (size_t)head, (uint64_t)st.st_size, err) ||", "if (",
      "cli/test_real_trees.Sound.test_what_downloads_leave", "a page of an error is no model"),
    P("companions", "load", "src/source/scan/walk.c", "if (ok)\n            refuse_with_companion(walk, entries, i, before);", "(void)before;",
      "cli/test_real_trees.Sound.test_companions", "a row that cannot be loaded by itself"),
    P("open-for-writing", "load", "src/source/pack.c", "if (lease_is_refused(fd)) {", "if (false) {",
      "cli/test_real_trees.Sound.test_still_being_written", "its writer is not done"),
]
