"""9: a file in memory is no proof."""

from protection import P

ROWS = [
    P("files-in-memory-prove-nothing", 9, "src/store/sqlite/verify.c", "is_in_memory(sq) ? STORE_IN_MEMORY : STORE_KEPT", "is_in_memory(sq) ? STORE_KEPT : STORE_KEPT",
      "cli/test_sqlite.Trouble.test_file_in_memory_is_no_proof", "/tmp is a tmpfs on many systems"),
]
