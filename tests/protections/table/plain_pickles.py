"""Plain pickles: loaded by pickle.loads, given back as the files they were; readers of other programs' rows are not broken."""

from protection import P

ROWS = [
    P("plain-form-is-proven", "readers", "src/source/pack_plain.c", "if (digest_equal(&back, &pass->try->packed.content))", "if (true)",
      "unit/source/test_pack_plain:what_would_not_come_back_is_kept_as_it_is", "what is stored must give the file back, or it is stored as it is"),
    P("plain-form-checks-what-was-put-in", "readers", "src/source/pickle/plain_reader.c", "memcmp(before, reader->kept, len) != 0", "false",
      "unit/source/test_plain:what_was_put_in_must_be_what_is_there", "only what this program puts in is taken out"),
    P("memo-counts-what-is-set", "readers", "src/source/pickle/value.c", "values->memo_count += slot->memo == 0;", "values->memo_count = index + 1;",
      "unit/source/test_plain:memoize_counts_what_is_set", "as Python's MEMOIZE does"),
    P("readers-of-pickles-are-served", "readers", "src/flow/run/worker.c",
      "model->withheld = model->state == MODEL_NEW && !packed->is_plain && pickles_are_read(run, model->name);", "model->withheld = false;",
      "cli/test_adopted_readers.AdoptedReaders.test_what_they_cannot_load_is_not_live", "what they cannot load does not become what they get"),
    P("auto-follows-other-programs", "readers", "src/flow/run/pickles.c", "run->settings->payload == PAYLOAD_AUTO && run->pickles.foreign", "false",
      "cli/test_adopted_readers.AdoptedReaders.test_a_tree_beside_their_rows", "rows beside plain pickles are plain pickles"),
    P("array-inside-a-frame", "readers", "src/source/pickle/stream.c", "if (stream->at < stream->frame_end)", "if (false)",
      "unit/source/test_plain:an_array_inside_a_frame", "a frame must end where the array is put in"),
]
