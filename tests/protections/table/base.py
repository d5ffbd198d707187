"""Arrays, stamps, names and the list of work."""

from protection import P

ROWS = [
    P("no-room-to-send-in", "waits", "src/store/postgres/put.c",
      "    if (sent == 0)\n"
      "        return err_no_memory(err);",
      "    while (sent == 0)\n"
      "        sent = PQputCopyData(pg->conn, data, (int)len);",
      "fault/test_memory.MemoryTest.test_no_room_to_send_in", "without memory libpq says what it says when the socket is full", may_hang=True),
]
