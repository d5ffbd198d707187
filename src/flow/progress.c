#include "flow/progress.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"

#define TICK_SECONDS 0.25
#define STILL_SECONDS 3.0 /* without any model or byte: it stands still, and says at what */

static struct {
    pthread_mutex_t lock; /* guards all but the counts */
    pthread_cond_t ended;
    pthread_t thread;
    bool running, live;
    double every, started, printed, moved; /* clock_seconds; moved: when a count last changed */
    const char *what;
    uint64_t models, bytes;  /* of this phase */
    uint64_t seen;           /* the counts when it last moved */
    char begun[192];
} meter = {.lock = PTHREAD_MUTEX_INITIALIZER, .ended = PTHREAD_COND_INITIALIZER};
static atomic_uint_fast64_t done_models, done_bytes, failed;

void progress_phase(const char *what, uint64_t models, uint64_t bytes)
{
    pthread_mutex_lock(&meter.lock);
    meter.what = what;
    meter.models = models;
    meter.bytes = bytes;
    meter.started = meter.moved = clock_seconds();
    meter.begun[0] = '\0';
    atomic_store(&done_models, 0);
    atomic_store(&done_bytes, 0);
    atomic_store(&failed, 0);
    pthread_mutex_unlock(&meter.lock);
}

void progress_add(uint64_t models, uint64_t bytes)
{
    atomic_fetch_add(&done_models, models);
    atomic_fetch_add(&done_bytes, bytes);
}

void progress_failed(void)
{
    atomic_fetch_add(&failed, 1);
}

void progress_begin(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    pthread_mutex_lock(&meter.lock);
    vsnprintf(meter.begun, sizeof meter.begun, format, args);
    pthread_mutex_unlock(&meter.lock);
    va_end(args);
}

/* --- the line ---------------------------------------------------------------------------------------------------------------- */

__attribute__((format(printf, 3, 4))) static void add(char *line, size_t cap, const char *format, ...)
{
    size_t used = strlen(line);
    va_list args;
    va_start(args, format);
    vsnprintf(line + used, cap - used, format, args);
    va_end(args);
}

static void add_bytes(char *line, size_t cap, uint64_t bytes, double seconds)
{
    char done[24], all[24], rate[24], left[24];
    double each = seconds > 0 ? (double)bytes / seconds : 0;
    add(line, cap, ", %s", text_bytes(done, bytes));
    if (meter.bytes > 0)
        add(line, cap, " of %s", text_bytes(all, meter.bytes));
    add(line, cap, ", %s/s", text_bytes(rate, (uint64_t)each));
    if (meter.bytes > bytes)
        add(line, cap, ", %s left", each > 0 ? text_seconds(left, (double)(meter.bytes - bytes) / each) : "?");
}

/* The lock is held. */
static void compose(char *line, size_t cap)
{
    uint64_t models = atomic_load(&done_models), bytes = atomic_load(&done_bytes);
    double now = clock_seconds();
    if (models + bytes != meter.seen) {
        meter.seen = models + bytes;
        meter.moved = now;
    }
    models = meter.models > 0 && models > meter.models ? meter.models : models; /* what is done again counts again */
    snprintf(line, cap, "%s", meter.what != NULL ? meter.what : meter.begun);
    if (meter.what == NULL)
        return;
    if (meter.models > 0)
        add(line, cap, ": %llu of %llu models", (unsigned long long)models, (unsigned long long)meter.models);
    else if (models > 0)
        add(line, cap, ": %llu models", (unsigned long long)models);
    if (bytes > 0 || meter.bytes > 0)
        add_bytes(line, cap, bytes, now - meter.started);
    if (atomic_load(&failed) > 0)
        add(line, cap, ", some failed");
    bool is_done = meter.models > 0 && models >= meter.models;
    if (is_done && meter.begun[0] != '\0')
        add(line, cap, ", %s", meter.begun);
    else if (now - meter.moved >= STILL_SECONDS)
        add(line, cap, "; for %.0f s: %s", now - meter.moved, meter.begun[0] != '\0' ? meter.begun : "nothing new");
}

void progress_print(void)
{
    char line[512];
    pthread_mutex_lock(&meter.lock);
    compose(line, sizeof line);
    pthread_mutex_unlock(&meter.lock);
    log_told(line[0] != '\0' ? line : "has not begun yet");
}

/* --- the thread -------------------------------------------------------------------------------------------------------------- */

/* False: progress_stop was called. */
static bool wait_a_tick(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += (long)(TICK_SECONDS * 1e9);
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (meter.running && pthread_cond_timedwait(&meter.ended, &meter.lock, &until) != ETIMEDOUT)
        ;
    return meter.running;
}

static void *show(void *unused)
{
    char line[512];
    pthread_mutex_lock(&meter.lock);
    while (wait_a_tick()) {
        bool due = meter.every > 0 && clock_seconds() - meter.printed >= meter.every;
        if (!due && !meter.live)
            continue;
        compose(line, sizeof line);
        meter.printed = due ? clock_seconds() : meter.printed;
        bool live = meter.live;
        pthread_mutex_unlock(&meter.lock); /* a terminal that stands still holds up nobody else */
        if (live)
            log_progress(line[0] != '\0' ? line : NULL);
        else if (line[0] != '\0')
            log_told(line);
        pthread_mutex_lock(&meter.lock);
    }
    pthread_mutex_unlock(&meter.lock);
    return unused;
}

void progress_start(bool live, double every)
{
    pthread_mutex_lock(&meter.lock);
    meter.live = live && log_can_redraw();
    meter.every = meter.live ? 0 : every;
    meter.printed = meter.started = meter.moved = clock_seconds();
    bool wanted = meter.live || meter.every > 0;
    meter.running = wanted && pthread_create(&meter.thread, NULL, show, NULL) == 0;
    pthread_mutex_unlock(&meter.lock);
}

void progress_stop(void)
{
    pthread_mutex_lock(&meter.lock);
    bool was_running = meter.running;
    meter.running = false;
    pthread_cond_signal(&meter.ended);
    pthread_mutex_unlock(&meter.lock);
    if (!was_running)
        return;
    pthread_join(meter.thread, NULL);
    log_progress(NULL);
}
