"""2: the store is the truth; the journal only saves time."""

from protection import P

ROWS = [
    P("journal-crc", 2, "src/state/journal_format.c", "|| gzip_crc32(line + FIELDS_AT, len - FIELDS_AT) != crc)", ")",
      "unit/state/test_journal:every_flipped_bit_is_noticed", "a flipped bit makes a line unknown"),
    P("journal-torn-tail", 2, "src/state/records.c",
      "((uint64_t)st.st_size > found.end && ftruncate(file->fd, (off_t)found.end) != 0)", "false",
      "unit/state/test_journal:cut_at_every_byte", "the next record must not be glued to a torn one"),
    P("journal-header", 2, "src/state/records.c", "memcmp(head, header, (size_t)got) != 0)", "got > (ssize_t)sizeof head)",
      "unit/state/test_journal:unknown_files_are_set_aside", "a journal of a newer format is not read as ours"),
    P("journal-stamp", 2, "src/flow/run/compare.c", "stamp_is(&model->stamp, &record->stamp, STAMP_ANY_DEVICE)", "record->stamp.size == model->stamp.size",
      "cli/test_resync.Changes.test_same_size_and_time_but_other_content_is_seen", "a changed file is read"),
    P("journal-racy-tick", 2, "src/state/journal.c", "|| (record->event == JOURNAL_KNOWN && journal_is_racy(record))", "",
      "fault/test_moving_sources.SourceTest.test_changed_in_the_same_tick", "a file of the tick of its record is read again"),
    P("journal-needs-the-store", 2, "src/model/plan.c",
      "if (same != NULL && is_same(&content, same) && (same->members == NULL || content.members != NULL))",
      "if (same == NULL)\n"
      "        model->state = MODEL_UNCHANGED;\n"
      "    else if (is_same(&content, same))",
      "cli/test_resync.Journal.test_journal_of_rows_that_the_store_lost", "the journal is believed only where the store agrees"),
    P("journal-needs-the-same-content", 2, "src/model/plan.c",
      "if (same != NULL && is_same(&content, same) && (same->members", "if (same != NULL && (same->members",
      "fault/test_truth.OlderStore.test_other_content_in_the_store", "the row may have other content now"),
]
