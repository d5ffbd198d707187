/* cleanup_plan.h: the file that `cleanup --plan` writes and `cleanup --apply` executes. CSV with a header; one line for each
 * source.
 *
 * action,path,kind,name,version,raw_bytes,content_sha256,stored_sha256,stored_at,run_id,dev,ino,size,mtime_ns,ctime_ns,reason,
 * members_sha256,readers_get,store
 * action is `delete` or `keep`; reason says why a source is kept. A user may remove lines or turn `delete` into `keep`; nothing
 * else is worth editing: what a line says is proven again before it is done. One thread. */
#ifndef FLOW_CLEANUP_PLAN_H
#define FLOW_CLEANUP_PLAN_H

#include "base/strmap.h"
#include "model/model.h"
#include "store/store.h"

typedef struct CleanupLine {
    bool delete_it;
    const char *path; /* relative to MODELS_DIR */
    bool is_directory;
    bool has_row;
    StoredModel row;   /* without has_row only name ("" = none), version and raw_bytes, those of the source. What no column of the
                        * plan holds is not there when the plan was read */
    Stamp stamp;
    int32_t readers_version; /* which version readers of the name get; VERSION_AUTO: none, or not known */
    const char *reason; /* why it is kept, or what is to be known before it goes; "" = nothing */
} CleanupLine;

typedef struct CleanupPlan {
    CleanupLine *lines;
    size_t count, cap;
    char store[STORE_IDENTITY_SIZE]; /* "": of version 0.1.0, or the store has no identifier */
    StrMap by_path; /* to the index of the line; filled by cleanup_plan_read */
    Arena arena;    /* for the strings of a plan that was read */
} CleanupPlan;

/* Appends a line; its strings are borrowed. */
bool cleanup_plan_add(CleanupPlan *plan, const CleanupLine *line, Err *err);

/* Durable, 0600. ERR_STOP. */
bool cleanup_plan_write(const CleanupPlan *plan, const char *path, Err *err);

/* ERR_USAGE with the row: not such a file, a torn or impossible line, one path twice. */
bool cleanup_plan_read(const char *path, CleanupPlan *out, Err *err);
void cleanup_plan_free(CleanupPlan *plan);

#endif
