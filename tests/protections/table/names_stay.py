"""A source keeps the name that it is stored under."""

from protection import P

ROWS = [
    P("stored-keys-run", 5, "src/flow/run/compare.c", "plan_use_stored_keys(run->plan, note_group, &unhashed, err) &&", "",
      "cli/test_names_stay.Twins.test_a_twin_that_is_alone_now", "readers of churn would get another model"),
    P("stored-keys-check", 9, "src/flow/audit/pair.c", "!use_stored_keys(audit->rows, map, models, err) ||", "",
      "cli/test_names_stay.Twins.test_a_twin_that_comes_beside_a_changed_one", "check looks where run stores"),
    P("stored-keys-newest", 5, "src/model/stored_key.c", "strcmp(keys->items[kept - 1].name, keys->items[i].name) != 0)", "true)",
      "unit/model/test_stored_key:the_source_of_the_newest_row_has_the_name", "one name has one source"),
    P("folder-beside-a-file", "names", "src/source/naming.c", "ok = ok && part_folders(naming, err) && settle_twins", "ok = ok && settle_twins",
      "cli/test_names_stay.Folders.test_a_folder_is_no_version_of_another_source", "two models under one name"),
    P("folder-beside-a-stored-file", "names", "src/model/plan.c", "ok = part_from_plain(plan, plan->plain.items[i], fn, ctx, err);", "(void)part_from_plain;",
      "cli/test_names_stay.Folders.test_a_folder_is_no_version_of_a_source_that_was_stored", "nor when the file has gone"),
    P("months-are-no-versions", "names", "src/model/identify.c", "|| is_below_year(stem, split->name_len);", ";",
      "unit/model/test_identify:test_table", "2024/01 and 2024/02 are two models"),
    P("architecture-words-are-whole", "names", "src/model/identify.c", "&& is_of_architecture(name + i + word, len - i - word))", ")",
      "unit/model/test_identify:test_table", "alberta_v3 is version 3 of alberta"),
    P("identifiers-are-no-times", 13, "src/model/series.c", "return is_epoch(text, digits) &&", "return digits >= 10 &&",
      "unit/model/test_series:times_in_names", "models of many customers are no series"),
    P("more-behind-a-pickle", "load", "src/source/sound.c", "&& !pickle_has_end(fd, size))", ")",
      "unit/source/test_sound:more_behind_a_pickle", "what pickle.load takes is whole"),
    P("arrays-of-joblib", "load", "src/source/pickle_end.c", "return !is_of_joblib(word, len) && skip(", "return skip(",
      "unit/source/test_sound:more_behind_a_pickle", "a dot in an array is no end"),
    P("arrays-of-others", "load", "src/source/scan/walk.c", "&& !needs_arrays(dir, name))", "&& false)",
      "cli/test_real_trees.Sound.test_companions", "an array that somebody put beside a model"),
    P("followed-links-stay", 9, "src/flow/audit/removable.c", "if (model->followed_link) {", "if (false) {",
      "cli/test_cleanup.Apply.test_followed_links_stay", "a volume of Kubernetes is not ours to take apart"),
    P("links-that-would-dangle", 9, "src/flow/audit/removable.c", "if (link == NULL)\n        return true;", "if (link != NULL || item != NULL)\n        return true;",
      "cli/test_cleanup.Plan.test_report_says_what_may_go_and_what_must_stay", "readers of latest.joblib"),
]
