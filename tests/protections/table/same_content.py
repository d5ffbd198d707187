"""What counts as the same content, and for which readers and which store a proof is one."""

from protection import P

ROWS = [
    P("members-are-read-back", 9, "src/flow/audit/prove.c", "!item->row->is_tar || model->members == NULL ||", "item->row->is_tar ||",
      "cli/test_same_content.Members.test_rows_that_do_not_record_them_are_read_back", "where the row does not record them"),
    P("members-of-the-payload", "get", "src/source/unpack/decode.c", "return !info->has_members || digest_equal(&digest, &info->members) ||",
      "return !info->has_members || true ||", "unit/source/test_members:payload_has_the_digest_of_its_source", "what comes back has them"),
    P("readers-get-it", 9, "src/flow/audit/inventory.c", "if (item->stays != NULL)", "if (item->model == UINT32_MAX)",
      "cli/test_same_content.Readers.test_older_content_stays", "the older content would be lost to them"),
    P("readers-get-active-rows", 9, "src/flow/audit/rows.c", "if (rows->items[end].model.is_active)", "if (end < rows->count)",
      "cli/test_same_content.Readers.test_rows_that_are_not_active_stay", "a row that is not active serves nobody"),
    P("plan-of-another-store", 9, "src/flow/audit/cleanup.c", "refuse_other_store(plan, apply.audit.store, err) &&", "",
      "cli/test_same_content.WhichStore.test_copy_of_the_store_is_another_one", "the address may lead elsewhere now"),
    P("plan-of-two-stores", 9, "src/flow/audit/cleanup_plan.c", "return strcmp(plan->store, store) == 0 ||", "return true ||",
      "cli/test_same_content.WhichStore.test_lines_of_two_stores", "each line is proven by its own store"),
    P("word-of-a-refused-row", 2, "src/flow/run/batch.c", "if (uncommitted)", "if (uncommitted && item->taken)",
      "cli/test_same_content.Uncommitted.test_word_of_a_refused_row", "reported as unchanged, stored nowhere"),
    P("word-of-a-committed-row", 5, "src/flow/run/batch.c", "return batch_settle_decided(worker, err);", "return true;",
      "cli/test_same_content.Uncommitted.test_word_of_a_committed_row", "it goes to the journal, and is not read again"),
    P("members-are-stored", 9, "src/store/postgres/put.c", "(model->has_members ?", "(model->has_members && model->is_gzip != model->is_gzip ?",
      "cli/test_same_content.Members.test_a_change_is_a_new_version", "… and compared in every run"),
    P("members-of-the-source", 9, "src/source/pack.c", "if (!members_add(", "if (member->size > UINT64_MAX - 1 && !members_add(",
      "unit/source/test_members:content_hash_alone_does_not_see_them", "they are read with the content"),
]
