#include <errno.h>
#include <stdio.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/text.h"
#include "worker.h"

#define TICK_NS 250000000L

static void show_line(Run *run, double started)
{
    char line[256], done_text[24], all_text[24], rate_text[24], left_text[24];
    double elapsed = clock_seconds() - started;
    uint64_t done = atomic_load(&run->read_bytes), all = plan_work_bytes(run->plan);
    double rate = elapsed > 0 ? (double)done / elapsed : 0;
    double left = rate > 0 && all > done ? (double)(all - done) / rate : 0;
    snprintf(line, sizeof line, "%llu of %u models, %s of %s, %s/s, %s left%s", (unsigned long long)atomic_load(&run->read_count),
             plan_work_count(run->plan), text_bytes(done_text, done), text_bytes(all_text, all),
             text_bytes(rate_text, (uint64_t)rate), rate > 0 ? text_seconds(left_text, left) : "?",
             atomic_load(&run->failed_count) > 0 ? ", some failed" : "");
    log_progress(line);
}

void progress_wait(Run *run, bool show)
{
    double started = clock_seconds();
    pthread_mutex_lock(&run->lock);
    while (run->workers_left > 0) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += TICK_NS;
        until.tv_sec += until.tv_nsec / 1000000000;
        until.tv_nsec %= 1000000000;
        int waited = pthread_cond_timedwait(&run->worker_ended, &run->lock, &until);
        if (waited == ETIMEDOUT && show) {
            pthread_mutex_unlock(&run->lock);
            show_line(run, started);
            pthread_mutex_lock(&run->lock);
        }
    }
    pthread_mutex_unlock(&run->lock);
    if (show)
        log_progress(NULL);
}
