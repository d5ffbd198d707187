/* prove.c: is what the store has what it says it has? */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/id.h"
#include "parts.h"
#include "../pool.h"
#include "flow/progress.h"
#include "source/unpack.h"

#define CALL_BYTES ((uint64_t)256 * 1024 * 1024) /* hashed by one query */
#define CALL_KEYS 500

typedef struct Prover {
    const AuditSettings *settings;
    Audit *audit;
    const ModelList *models;
    size_t *chosen; /* indexes of the items to prove */
    size_t chosen_count;
    size_t *calls;  /* first of `chosen` for each query; one more at the end */
    uint32_t call_count;
    pthread_mutex_t lock; /* guards the arena of the audit */
} Prover;

static bool mark(Prover *prover, AuditItem *item, AuditLetter letter, const char *text, Err *err)
{
    item->is_damaged = letter == AUDIT_DIFFERS;
    pthread_mutex_lock(&prover->lock);
    bool ok = audit_reason(prover->audit, item, letter, text, err);
    pthread_mutex_unlock(&prover->lock);
    return ok;
}

/* What a worker keeps: another session when the first one was lost. */
typedef struct Session {
    Store *store;
} Session;

static void *start_session(void *shared, Err *err)
{
    const Prover *prover = shared;
    Session *session = calloc(1, sizeof *session);
    if (session == NULL) {
        err_no_memory(err);
        return NULL;
    }
    if (retry_open(prover->settings->retry, &session->store, err))
        return session;
    free(session);
    return NULL;
}

static void stop_session(void *own)
{
    Session *session = own;
    if (session != NULL)
        store_close(session->store);
    free(session);
}

/* --- by the server ----------------------------------------------------------------------------------------------------------- */

typedef struct Call {
    Prover *prover;
    Session *session;
    StoreProof *proofs;
    size_t first, count; /* of the chosen items */
} Call;

/* No digest of the payload is recorded. Without any, the one that it was paired by was worked out from the payload just now. Beside
 * a recorded content_sha256 only reading back can tell, where the payload is the content itself. */
static bool take_unproven(Prover *prover, AuditItem *item, Err *err)
{
    bool readable = !item->row->is_gzip && !item->row->is_tar && !item->row->is_pickle && item->row->chunk_count == 0;
    item->store_proof = !item->is_unproven;
    if (!item->is_unproven || item->letter != AUDIT_SAME || (readable && prover->settings->download))
        return true;
    return mark(prover, item, AUDIT_UNCHECKED,
                readable ? "the row records no digest of its payload; only reading it back can tell"
                         : "the row records no digest of its payload",
                err);
}

static bool take_proof(Prover *prover, AuditItem *item, const StoreProof *proof, Err *err)
{
    item->doubt = proof->doubt;
    switch (proof->health) {
    case STORE_INTACT:
        item->store_proof = true;
        return true;
    case STORE_UNPROVEN:
        return take_unproven(prover, item, err);
    case STORE_DAMAGED:
        return mark(prover, item, AUDIT_DIFFERS, "the stored payload is damaged: its SHA-256 is not the recorded one", err);
    case STORE_MISSING:
        return mark(prover, item, AUDIT_UNCHECKED, "the row vanished or changed while it was checked", err);
    }
    return true;
}

static bool verify_once(void *ctx, Err *err)
{
    Call *call = ctx;
    return store_verify(call->session->store, call->proofs, call->count, err);
}

static bool verify_call(void *shared, void *own, uint32_t index, Err *err)
{
    Prover *prover = shared;
    size_t first = prover->calls[index], count = prover->calls[index + 1] - first;
    Call call = {.prover = prover, .session = own, .proofs = calloc(count, sizeof *call.proofs), .first = first, .count = count};
    if (call.proofs == NULL)
        return err_no_memory(err);
    for (size_t i = 0; i < count; i++) {
        const AuditItem *item = &prover->audit->items[prover->chosen[first + i]];
        const StoredModel *row = item->row;
        call.proofs[i] = (StoreProof){.name = item->name,
                                      .version = item->version,
                                      .content = row->has_digests ? &row->content : NULL,
                                      .stored = row->has_digests ? &row->stored : NULL,
                                      .bytes = row->stored_bytes};
    }
    progress_begin("the database hashes %zu payloads", count);
    bool ok = retry_step(prover->settings->retry, &call.session->store, verify_once, &call, err);
    for (size_t i = 0; i < count; i++)
        progress_add(1, call.proofs[i].bytes);
    for (size_t i = 0; ok && i < count; i++)
        ok = take_proof(prover, &prover->audit->items[prover->chosen[first + i]], &call.proofs[i], err);
    free(call.proofs);
    return ok;
}

static void begin_phase(const Prover *prover, const char *what)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < prover->chosen_count; i++)
        bytes += prover->audit->items[prover->chosen[i]].row->stored_bytes;
    progress_phase(what, prover->chosen_count, bytes);
}

static bool verify_in_server(Prover *prover, Err *err)
{
    PoolJob job = {.start = start_session, .item = verify_call, .stop = stop_session, .shared = prover};
    uint64_t bytes = 0;
    prover->calls = calloc(prover->chosen_count + 1, sizeof *prover->calls);
    if (prover->calls == NULL)
        return err_no_memory(err);
    for (size_t i = 0; i < prover->chosen_count; i++) {
        uint64_t size = prover->audit->items[prover->chosen[i]].row->stored_bytes;
        bool full = bytes + size > CALL_BYTES || (prover->call_count > 0 && i - prover->calls[prover->call_count - 1] >= CALL_KEYS);
        if (i == 0 || full) {
            prover->calls[prover->call_count++] = i;
            bytes = 0;
        }
        bytes += size;
    }
    prover->calls[prover->call_count] = prover->chosen_count;
    begin_phase(prover, "the database proves its payloads");
    return pool_run(prover->settings->jobs, prover->call_count, &job, err);
}

/* --- by reading back --------------------------------------------------------------------------------------------------------- */

static bool download_payload(Store *store, const AuditItem *item, Digest *members, Err *err)
{
    StoredModel row = *item->row;
    uint64_t bytes;
    row.has_digests = true; /* recorded, or worked out by the server just now */
    if (!store_fetch_open(store, item->name, item->version, &bytes, err))
        return false;
    bool ok = unpack_verify(&row, unpack_from_store, store, members, err);
    store_fetch_close(store);
    return ok;
}

typedef struct Download {
    Session *session;
    const AuditItem *item;
    Digest members;
} Download;

static bool download_once(void *ctx, Err *err)
{
    Download *download = ctx;
    return download_payload(download->session->store, download->item, &download->members, err);
}

/* A row that does not record which folders and executable bits its directory had: what was read back tells. */
static bool compare_members(Prover *prover, AuditItem *item, const Digest *members, Err *err)
{
    const Model *model = item->model == UINT32_MAX ? NULL : &prover->models->items[item->model];
    if (model == NULL || item->letter != AUDIT_SAME || !item->row->is_tar || model->members == NULL ||
        digest_equal(model->members, members))
        return true;
    bool ok = mark(prover, item, AUDIT_DIFFERS,
                   "the stored directory has other executable bits or folders; its row is too old to record them: give it another "
                   "version to store it",
                   err);
    item->is_damaged = false;
    return ok;
}

static bool download_item(void *shared, void *own, uint32_t index, Err *err)
{
    Prover *prover = shared;
    AuditItem *item = &prover->audit->items[prover->chosen[index]];
    Err why = {0};
    progress_begin("reading back %s@%d", item->name, (int)item->version);
    progress_add(1, item->row->stored_bytes);
    if (item->letter != AUDIT_SAME && item->letter != AUDIT_ONLY_STORE)
        return true;
    Download download = {.session = own, .item = item};
    if (retry_step(prover->settings->retry, &download.session->store, download_once, &download, &why)) {
        item->download_proof = true;
        return compare_members(prover, item, &download.members, err);
    }
    if (why.cls == ERR_SKIP)
        return mark(prover, item, AUDIT_DIFFERS, why.text, err);
    if (err != NULL)
        *err = why;
    return false;
}

static bool read_back(Prover *prover, Err *err)
{
    PoolJob job = {.start = start_session, .item = download_item, .stop = stop_session, .shared = prover};
    begin_phase(prover, "reading payloads back");
    return pool_run(prover->settings->jobs, (uint32_t)prover->chosen_count, &job, err);
}

/* --- which ------------------------------------------------------------------------------------------------------------------- */

/* All items that have a row, or a random part of them. */
static bool choose(Prover *prover, Err *err)
{
    const AuditSettings *settings = prover->settings;
    prover->chosen = calloc(prover->audit->count + 1, sizeof *prover->chosen);
    if (prover->chosen == NULL)
        return err_no_memory(err);
    for (size_t i = 0; i < prover->audit->count; i++)
        if (prover->audit->items[i].row != NULL)
            prover->chosen[prover->chosen_count++] = i;
    size_t wanted = settings->sample_count > 0 ? (size_t)settings->sample_count
                                               : (size_t)(settings->sample_share * (double)prover->chosen_count + 0.999999);
    for (size_t i = 0; i < wanted && wanted < prover->chosen_count; i++) { /* the first steps of a shuffle */
        size_t k = i + (size_t)(id_random64() % (prover->chosen_count - i)), kept = prover->chosen[i];
        prover->chosen[i] = prover->chosen[k];
        prover->chosen[k] = kept;
    }
    prover->chosen_count = wanted < prover->chosen_count ? wanted : prover->chosen_count;
    return true;
}

bool audit_prove(const AuditSettings *settings, Audit *audit, const ModelList *models, Err *err)
{
    Prover prover = {.settings = settings, .audit = audit, .models = models};
    pthread_mutex_init(&prover.lock, NULL);
    bool ok = choose(&prover, err) && verify_in_server(&prover, err) && (!settings->download || read_back(&prover, err));
    pthread_mutex_destroy(&prover.lock);
    free(prover.chosen);
    free(prover.calls);
    return ok;
}
