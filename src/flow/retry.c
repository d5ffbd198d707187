#include "flow/retry.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/id.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/text.h"
#include "flow/progress.h"

#define PAUSE_FIRST_SECONDS 0.2
#define PAUSE_MAX_SECONDS 10.0
#define LOOK_SECONDS 0.1 /* how often a pause looks whether a signal came */

bool retry_is_transient(Retry *retry, const Err *err)
{
    return err->cls == ERR_RETRY || (err->cls == ERR_READ_ONLY && atomic_load(&retry->has_written));
}

void retry_note_write(Retry *retry)
{
    atomic_store(&retry->has_written, true);
}

void retry_count(RetryRow *row)
{
    if (row->failures++ == 0)
        row->since = clock_seconds();
}

bool retry_may_go_on(Retry *retry, const RetryRow *row, const Err *err)
{
    return retry_is_transient(retry, err) &&
           (row->failures <= retry->retries || clock_seconds() - row->since < retry->wait_seconds);
}

/* 0.2 s, 0.4 s, … 10 s, each between half and whole. The last pause does not outlast the time to wait. */
static double pause_seconds(const Retry *retry, const RetryRow *row)
{
    double pause = PAUSE_FIRST_SECONDS;
    for (unsigned i = 1; i < row->failures && pause < PAUSE_MAX_SECONDS; i++)
        pause *= 2;
    pause = pause < PAUSE_MAX_SECONDS ? pause : PAUSE_MAX_SECONDS;
    pause *= 0.5 + 0.5 * (double)(id_random64() % 1000) / 1000;
    double left = row->since + retry->wait_seconds - clock_seconds();
    return row->failures > retry->retries && left < pause ? (left > 0 ? left : 0) : pause;
}

/* The first of several threads that wait for the same store says so; what the others would say is for those who want details. */
static LogLevel level_for(Retry *retry, double pause)
{
    int_fast64_t now = (int_fast64_t)(clock_seconds() * 1000), until = atomic_load(&retry->logged_until_ms);
    if (now < until)
        return LOG_INFO;
    int_fast64_t end = now + (int_fast64_t)(pause * 1000);
    return atomic_compare_exchange_strong(&retry->logged_until_ms, &until, end) ? LOG_WARN : LOG_INFO;
}

static void log_pause(Retry *retry, const RetryRow *row, const Err *cause, double pause)
{
    char tries[96], waits[24];
    if (row->failures <= retry->retries)
        snprintf(tries, sizeof tries, "try %u of %u", row->failures, retry->retries + 1);
    else
        snprintf(tries, sizeof tries, "try %u, giving up after %s", row->failures, text_seconds(waits, retry->wait_seconds));
    log_line(level_for(retry, pause), "%s (%s); trying again in %.1f s", cause->text, tries, pause);
}

bool retry_sleep(Retry *retry, const RetryRow *row, const Err *cause, Err *err)
{
    double pause = pause_seconds(retry, row), until = clock_seconds() + pause;
    progress_begin("the database is away, %u tries so far", row->failures);
    log_pause(retry, row, cause, pause);
    for (double left; (left = until - clock_seconds()) > 0 && interrupt_signal() == 0;)
        clock_sleep(left < LOOK_SECONDS ? left : LOOK_SECONDS);
    return interrupt_check(err);
}

bool retry_pause(Retry *retry, RetryRow *row, Err *err)
{
    retry_count(row);
    if (retry_may_go_on(retry, row, err))
        return retry_sleep(retry, row, err, err);
    if (retry_is_transient(retry, err))
        err->cls = ERR_UNREACHABLE;
    return false;
}

/* A server that says nothing is waited for until the time to connect is over: whoever watches should know that. */
static bool connect_to(Retry *retry, Store **store, Err *err)
{
    progress_begin("connecting to %s", store_target_label(retry->target));
    bool ok = store_open(retry->target, store, NULL, err);
    progress_begin("%s", "");
    return ok;
}

bool retry_step(Retry *retry, Store **store, RetryStep step, void *ctx, Err *err)
{
    Err why = {0};
    for (RetryRow row = {0};;) {
        if ((*store != NULL || connect_to(retry, store, &why)) && (step == NULL || step(ctx, &why)))
            return true;
        if (retry_is_transient(retry, &why)) {
            store_close(*store);
            *store = NULL;
        }
        if (retry_pause(retry, &row, &why))
            continue;
        if (err != NULL)
            *err = why;
        return false;
    }
}

bool retry_open(Retry *retry, Store **store, Err *err)
{
    return retry_step(retry, store, NULL, NULL, err);
}
