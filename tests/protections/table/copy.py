"""1, 6 and 13: what one store holds gets into another as it is, and what that one serves stays."""

from protection import P

COPY, SOURCE, TESTS = "src/flow/copy/copy.c", "src/flow/copy/source.c", "cli/test_copy."

ROWS = [
    P("created-is-kept", 1, "src/store/postgres/put.c", "*us += (pg->local - second) * 1000000;", "", "store/test_store_rules:created_is_kept",
      "a column without a time zone holds what the session's clock shows"),
    P("copy-proves-what-it-reads", 1, SOURCE, "if (ok && !is_as_recorded(row, &digest, bytes))", "if (ok && row->name == NULL)",
      TESTS + "Bad.test_a_damaged_payload_costs_its_row_only", "damage is told of the store that has it"),
    P("copy-changes-no-service", 13, COPY, "*ours = answer == KNOWN_SAME || fault != NULL;", "*ours = true;",
      TESTS + "Served.test_a_later_version_too", "an older model of somebody else would become live"),
    P("copy-goes-on-as-it-began", 4, COPY, "return !served.same || began_as_ours(copy, name, there, ours, err);",
      "*ours = false; return true;",
      TESTS + "Served.test_a_copy_that_did_not_end_goes_on_as_it_began", "after a kill the rest of a name would come in inactive"),
    P("copy-sees-what-was-withdrawn", 13, COPY, "row != NULL && row->is_active == there->is_active;", "row != NULL;",
      TESTS + "Served.test_a_version_that_was_withdrawn_there_is_not_replaced", "a lower version would become live in its place"),
    P("copy-damage-is-no-gap", 4, COPY, "*ours = answer == KNOWN_SAME || fault != NULL;", "*ours = answer == KNOWN_SAME;",
      TESTS + "Served.test_damage_above_is_no_version_of_somebody_else", "after a kill the rest of a name would come in inactive"),
    P("copy-one-decision", 4, COPY, "if (!name->is_judged && !copy->settings->activate", "if (!copy->settings->activate",
      TESTS + "Many.test_one_decision_for_all_versions_of_a_name", "its own rows would be taken for those of somebody else"),
    P("copy-dry-run", "answers", "src/flow/deliver/deliver.c", "if (!deliver->dry_run)", "if (deliver->retry != NULL)", TESTS + "Choice.test_dry_run_writes_nothing",
      "a dry run must not write"),
    P("deliver-chunks-first", "deliver", "src/flow/deliver/deliver.c", "put_those(deliver, from, to, true, err) || !put_those(deliver, from, to, false, err)",
      "put_those(deliver, from, to, false, err) || !put_those(deliver, from, to, true, err)", "unit/flow/test_deliver:chunks_come_first",
      "a file would be locked while gigabytes are written"),
    P("deliver-lost-answer", 7, "src/flow/deliver/deliver.c", "i < to && outcome == STORE_REFUSED; i++)", "i < to; i++)",
      "unit/flow/test_deliver:an_answer_is_lost", "a COMMIT whose answer is lost may have been applied"),
    P("copy-not-into-itself", "answers", COPY, "return strcmp(store_place(from), store_place(to)) != 0 ||", "return from != to ||",
      TESTS + "Bad.test_a_store_into_itself", "a mistake in the address is told"),
    P("copy-needs-a-digest", 1, SOURCE, "if (ok && !row->has_digests && (row->is_gzip || row->is_tar))", "if (false)",
      TESTS + "Bad.test_compressed_rows_without_digests_are_not_copied", "the copy would record the digest of the damage"),
    P("copy-each-record", 1, SOURCE, "(!digest_is_known(&row->stored) || digest_equal(stored, &row->stored)) &&", "",
      TESTS + "Bad.test_each_thing_that_is_recorded_must_be_so", "a row that records only some is no less damaged"),
    P("file-payload-ends-with-its-row", 1, "src/store/sqlite/payload.c",
      "return (payload->left == 0 && payload->next_chunk == payload->chunk_count) ||", "return payload != NULL ||",
      TESTS + "Bad.test_each_thing_that_is_recorded_must_be_so", "a wrong size would cut the payload, a wrong number of chunks empty it"),
]
