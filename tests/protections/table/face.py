"""What the command line says and takes."""

from protection import P

ROWS = [
    P("json-has-every-line", "answers", "src/report/lines_run.c",
      "if (!lines->json && !lines->verbose)", "if (lines->quiet || (!lines->json && !lines->verbose))",
      "cli/test_json.Keys.test_quiet_leaves_no_line_out", "-q is for people: a program gets every line"),
    P("json-keys-are-documented", "answers", "src/report/line.c",
      'json_line_string(line, "store", lines->store);', 'json_line_string(line, "database", lines->store);',
      "cli/test_json.Keys.test_printed_keys_are_the_documented_ones", "a key is a promise"),
    P("report-file-is-the-lines", "answers", "src/report/lines_audit.c",
      'json_line_bool(line, "store_proof", item->store_proof);', 'json_line_bool(line, "server_proof", item->store_proof);',
      "cli/test_json.Keys.test_keys_of_the_source_are_the_documented_ones", "one set of keys"),
    P("value-is-no-command", "options", "src/cmd/options.c",
      "*next += takes_next_word(word);", "(void)takes_next_word;",
      "cli/test_usage.Accepted.test_value_of_an_option_is_no_command", "--exclude check is no command"),
    P("nearest-word", "options", "src/cmd/nearest.c",
      "if (found >= nearest->limit)", "if (found > 0)",
      "cli/test_usage.Refused.test_nearest_command", "a misspelt command names the one that was meant"),
    P("options-for-all", "options", "src/cmd/options.c",
      "if ((spec->commands & words->bits) == 0 && !spec->anywhere)", "if ((spec->commands & words->bits) == 0)",
      "cli/test_usage.Accepted.test_every_command_takes_what_several_use", "one set of options for a crontab"),
    P("hint-names-the-database", "answers", "src/cmd/remedy.c",
      "if (err->remedy == REMEDY_UPGRADE)", "if (err->remedy == REMEDY_COUNT)",
      "cli/test_schema.Upgrade.test_run_without_it_names_the_command_that_then_works", "a hint can be copied into a shell"),
]
