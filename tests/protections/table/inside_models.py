"""What lies in the folder of a directory model and is no content."""

from protection import P

ROWS = [
    P("junk-makes-no-version", "scan", "src/source/listing.c", "if (find_junk(name, strlen(name)) != NULL || is_cache_of_hub(path))", "if (false)",
      "cli/test_inside_models.Junk.test_looking_into_a_folder_makes_no_version", "a file manager is no trainer"),
    P("rows-with-junk-are-known", "scan", "src/flow/run/worker.c", "if (packed->has_whole && !plan_accept(run->plan, group, model, &whole, err))", "if (false)",
      "cli/test_inside_models.Junk.test_a_row_that_has_the_junk_is_no_other_content", "an upgrade of the program makes no version of every directory"),
    P("work-among-junk-stays", 9, "src/source/removal.c", "if (!member->is_junk || listing_is_worthless(member->path))", "if (true)",
      "cli/test_inside_models.Junk.test_clean_up_takes_what_is_worthless_and_stays_for_the_rest", "a repository in the folder is stored nowhere"),
    P("excluded-members-stay", 9, "src/source/removal.c", "if (!list_is_same(removal, list)) {", "if (false) {",
      "cli/test_inside_models.Excluded.test_it_works_inside_a_model", "what the user excluded is stored nowhere"),
    P("stored-folders-are-found", "scan", "src/flow/audit/audit.c", "audit_add_unmarked(settings, audit.rows, tree, models, err) && find", "find",
      "cli/test_real_trees.Kinds.test_a_stored_folder_that_no_rule_takes_any_more", "a table of marks that changed makes no model gone"),
]
