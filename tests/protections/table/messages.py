"""What is said when something is not as it should be."""

from protection import P

ROWS = [
    P("plan-keeps-a-password-back", 10, "src/cmd/words/retell.c",
      "if (given->spec->secret && store_target_has_password(given->value))", "if (given->spec->secret && given->value == NULL)",
      "cli/test_messages.OnServer.test_password_in_a_plan_is_left_out", "a command that is shown has no password"),
    P("damaged-content-is-told-apart", "answers", "src/flow/audit/pair.c",
      "if (looks_damaged(&rows->items[i].model, model))", "if (rows == NULL)",
      "cli/test_messages.Words.test_content_that_changed_under_its_size_and_time_is_damaged", "run again would store a damaged file"),
    P("dumb-terminals-get-no-codes", "output", "src/base/log.c",
      "term != NULL && term[0] != '\\0' && strcmp(term, \"dumb\") != 0;", "term != (char *)1;",
      "cli/test_progress.Progress.test_dumb_terminal_and_quiet_command_get_no_codes", "an editor's shell shows codes as rubbish"),
    P("progress-is-as-wide-as-the-terminal", "output", "src/base/log.c",
      "size.ws_col > 1 ? size.ws_col - 1u : 79;", "size.ws_col > 1 ? 500u : 79;",
      "cli/test_progress.Progress.test_line_is_as_wide_as_the_terminal_at_that_moment", "a line that wraps is not replaced"),
    P("usr1-asks-for-a-line", "waits", "src/flow/signals.c",
      "sigaddset(set, SIGUSR1);", "sigdelset(set, SIGUSR1);",
      "cli/test_progress.Progress.test_signal_asks_for_one_line", "who asks must not end the program"),
    P("mistyped-address-leaves-nothing", "state", "src/flow/run/run.c",
      "if (!meet_store_first(run, err) || !state_open(&run->state, run->run_id, err))",
      "if (!state_open(&run->state, run->run_id, err) || !meet_store_first(run, err))",
      "cli/test_messages.OnServer.test_mistyped_address_leaves_no_state_folder", "a typing error leaves no folder"),
    P("here-is-a-folder-of-a-host", "check", "src/store/runs_from.c",
      "return strcmp(values[1], search->host) != 0 || strcmp(values[2], search->models_dir) != 0 ||", "return",
      "cli/test_here.Here.test_what_another_host_stored_from_a_folder_of_this_name", "each host asks for its own"),
]
