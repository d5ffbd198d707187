#include "pool.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/interrupt.h"

typedef struct Pool {
    const PoolJob *job;
    uint32_t count;
    pthread_mutex_t lock; /* guards the rest */
    uint32_t next;
    unsigned working; /* threads that could start */
    Err first_error;
    Err start_error; /* of one that could not: it matters only when none could */
} Pool;

static bool take(Pool *pool, uint32_t *index)
{
    pthread_mutex_lock(&pool->lock);
    bool found = pool->first_error.cls == ERR_NONE && pool->next < pool->count;
    if (found)
        *index = pool->next++;
    pthread_mutex_unlock(&pool->lock);
    return found;
}

static void fail(Pool *pool, const Err *err)
{
    pthread_mutex_lock(&pool->lock);
    if (pool->first_error.cls == ERR_NONE)
        pool->first_error = *err;
    pthread_mutex_unlock(&pool->lock);
}

/* A server that refuses one session more is no reason to stop while another thread has one. */
static bool note_start(Pool *pool, bool started, const Err *err)
{
    pthread_mutex_lock(&pool->lock);
    pool->working += started;
    if (!started)
        pool->start_error = *err;
    pthread_mutex_unlock(&pool->lock);
    return started || err->cls != ERR_RETRY;
}

static void *work(void *arg)
{
    Pool *pool = arg;
    Err err = {0};
    uint32_t index;
    void *own = pool->job->start(pool->job->shared, &err);
    bool ok = own != NULL;
    if (!note_start(pool, ok, &err)) {
        pool->job->stop(own);
        return NULL;
    }
    while (ok && take(pool, &index))
        ok = interrupt_check(&err) && pool->job->item(pool->job->shared, own, index, &err);
    if (!ok)
        fail(pool, &err);
    pool->job->stop(own);
    return NULL;
}

bool pool_run(unsigned threads, uint32_t count, const PoolJob *job, Err *err)
{
    Pool pool = {.job = job, .count = count};
    unsigned started = 0, wanted = threads < count ? threads : count;
    if (wanted == 0 && count > 0)
        wanted = 1;
    pthread_t *ids = calloc(wanted + 1, sizeof *ids);
    if (ids == NULL)
        return err_no_memory(err);
    pthread_mutex_init(&pool.lock, NULL);
    while (started < wanted) {
        int failed = pthread_create(&ids[started], NULL, work, &pool);
        if (failed != 0) {
            Err why = {0};
            err_set_errno(&why, ERR_STOP, failed, "cannot start thread %u", started);
            fail(&pool, &why);
            break;
        }
        started++;
    }
    for (unsigned i = 0; i < started; i++)
        pthread_join(ids[i], NULL);
    pthread_mutex_destroy(&pool.lock);
    free(ids);
    if (pool.first_error.cls == ERR_NONE && pool.working == 0 && count > 0)
        pool.first_error = pool.start_error;
    if (pool.first_error.cls != ERR_NONE && err != NULL)
        *err = pool.first_error;
    return pool.first_error.cls == ERR_NONE;
}
