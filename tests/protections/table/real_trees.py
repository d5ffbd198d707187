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
]
