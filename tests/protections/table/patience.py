"""Every command waits for a store that is away, says so at once, and ends at a signal."""

from protection import P

ROWS = [
    P("patience-of-a-schema-question", "waits", "src/cmd/main.c",
      "bool ok = retry_step(&context->retry, &context->store, ask_schema, context, err);",
      "bool ok = store_open(context->retry.target, &context->store, NULL, err) && ask_schema(context, err);",
      "fault/test_patience.Patience.test_store_that_comes_later", "check, cleanup and restore wait as run does"),
    P("time-to-wait", "waits", "src/flow/retry.c",
      "|| clock_seconds() - row->since < retry->wait_seconds);", ");",
      "unit/flow/test_retry:goes_on_until_the_time_is_over", "--wait"),
    P("signal-ends-a-pause", "waits", "src/flow/retry.c",
      "(left = until - clock_seconds()) > 0 && interrupt_signal() == 0;)", "(left = until - clock_seconds()) > 0;)",
      "unit/flow/test_retry:signal_ends_a_pause", "within a second"),
    P("each-try-is-logged", "waits", "src/flow/retry.c",
      "? LOG_WARN : LOG_INFO;", "? LOG_INFO : LOG_INFO;",
      "fault/test_patience.Patience.test_each_try_is_told_and_the_exit_code_is_5", "a program that waits says for what"),
    P("session-lost-in-check", "waits", "src/flow/audit/prove.c",
      "bool ok = retry_step(prover->settings->retry, &call.session->store, verify_once, &call, err);",
      "bool ok = verify_once(&call, err);",
      "fault/test_patience.Patience.test_session_that_is_lost_in_the_middle", "a check goes on with a new session"),
    P("standby-before-a-write", "waits", "src/flow/retry.c",
      "(err->cls == ERR_READ_ONLY && atomic_load(&retry->has_written))", "err->cls == ERR_READ_ONLY",
      "unit/flow/test_retry:what_does_not_pass_is_returned_at_once", "a standby in the address is a mistake, not a failover"),
    P("standby-during-a-failover", "waits", "src/flow/retry.c",
      "(err->cls == ERR_READ_ONLY && atomic_load(&retry->has_written))", "false",
      "unit/flow/test_retry:standby_is_waited_for_after_a_write", "a failover passes through a standby"),
]
