"""11: identity is the content hash; the stored bytes depend on nothing but the source."""

from protection import P

ROWS = [
    P("blocks-of-one-size", 11, "src/port/gzip_deflate.c",
      "        if (deflater->gathered_bytes == 0 && len >= BLOCK_BYTES) {\n"
      "            if (!put_block(deflater, from, BLOCK_BYTES, false, err))\n"
      "                return false;\n"
      "            from += BLOCK_BYTES;\n"
      "            len -= BLOCK_BYTES;",
      "        if (deflater->gathered_bytes == 0) {\n"
      "            if (!put_block(deflater, from, len, false, err))\n"
      "                return false;\n"
      "            from += len;\n"
      "            len -= len;",
      "unit/port/test_gzip:same_bytes_for_any_pieces", "the pieces of the reader do not show"),
    P("first-piece", 11, "src/port/gzip_deflate.c",
      "size_t first = deflater->begun || len <= FIRST_PIECE_BYTES ? 0 : FIRST_PIECE_BYTES;", "size_t first = 0;",
      "unit/port/test_gzip_same:two_deflaters_make_the_same_bytes", "libisal's first byte depends on an address"),
    P("one-member-only", 11, "src/port/gzip_inflate.c",
      'return state->avail_in == 0 || err_set(err, ERR_SKIP, "bytes behind the gzip member");', "return true;",
      "unit/port/test_gzip:cut_or_followed", "joblib loops for ever on a second member"),
    P("members-are-sorted", 11, "src/base/file/tree.c",
      "        qsort(list.items, list.count, sizeof *list.items, by_path);", "        (void)by_path;",
      "cli/test_read_back.BertopicRow.test_members_lie_at_the_root_sorted_and_without_owner", "readdir has any order"),
    P("compressed-stays", 11, "src/source/pack.c",
      "packer->deflater == NULL || magic_is_compressed(packer->piece, head), made", "packer->deflater == NULL, made",
      "cli/test_read_back.FileRows.test_compressed_joblib_is_stored_as_it_is", "joblib cannot read gzip around zlib"),
    P("modes-are-two", 11, "src/port/tar.c", "S_IFREG | (executable ? 0755 : 0644)", "S_IFREG | (executable ? 0755 : 0664)",
      "cli/test_read_back.BertopicRow.test_modes_are_0644_and_0755", "the umask of the writer does not show"),
]
