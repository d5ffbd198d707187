"""1 and 6: what one store holds gets into another as it is."""

from protection import P

ROWS = [
    P("created-is-kept", 1, "src/store/postgres/put.c", "*us += (pg->local - second) * 1000000;", "", "store/test_store_rules:created_is_kept",
      "a column without a time zone holds what the session's clock shows"),
]
