/* stored_model.h: the one record of a stored row, its payload left out.
 *
 * What the store lists and takes, what a backup holds and what a report or a plan says of a row is this record, whole; nobody keeps
 * its fields one by one. A further column is a further field here.
 *
 * Text may be no UTF-8, but for the name. Ownership: strings are borrowed. Those of a record that a callback gets live until it
 * returns; stored_model_copy keeps one for longer. In a record that the store or a backup gives no string is NULL: "" stands for a
 * column that is NULL. A record that is written may leave source_host, source_path and run_id NULL. */
#ifndef STORE_STORED_MODEL_H
#define STORE_STORED_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "port/sha256.h"

typedef struct StoredModel {
    const char *name, *model_type, *event;
    int32_t version;
    bool is_active;
    bool has_digests;       /* false: another program wrote the row; raw_bytes, is_tar and is_gzip are not known then, content
                             * and stored are the recorded ones or all zero */
    Digest content, stored; /* SHA-256 of the content and of the payload */
    bool has_format;        /* is_tar and is_pickle are recorded; else they are false */
    bool is_tar;            /* format 'tar', a directory */
    bool is_pickle;         /* format 'pickle', a file in its plain form (docs/formats.md); neither: 'file' */
    bool is_gzip;           /* encoding 'gzip', else 'identity' */
    bool has_members;       /* members is recorded: of directories only, and not of those that version 0.1.0 stored */
    Digest members;         /* of what the content hash of a directory leaves out: empty folders and executable bits */
    uint64_t raw_bytes, stored_bytes;
    uint32_t chunk_count; /* 0: the payload is in model_binary; else rows of model_chunks, see store_chunk_count */
    const char *source_host, *source_path;
    bool no_mtime;           /* source_mtime is not known, which is no time when it is written; source_mtime_ns is 0 then */
    int64_t source_mtime_ns; /* since 1970, UTC */
    bool odd_created;        /* of a row that is listed: created_at is no time, or none that created_ns can hold (1677 to 2262) */
    int64_t created_ns;      /* the same. Written as it is, to the microsecond; 0: the store notes the moment of the write */
    const char *run_id; /* UUID; "" = none */
} StoredModel;

/* Borrowed until it returns. */
typedef bool (*StoredModelFn)(void *ctx, const StoredModel *model, Err *err);

/* What the column `format` holds, and back; an unknown word, "" too, is a row that records none. */
const char *stored_model_format(const StoredModel *model);
void stored_model_set_format(StoredModel *model, const char *format);

/* The whole record, its strings in the arena; those that are NULL become "". `like`, NULL or a record whose strings live as long as
 * the arena: what equals its string shares it, so that a million rows of one run name it once. ERR_STOP without memory; *out is
 * untouched then. */
bool stored_model_copy(Arena *arena, const StoredModel *model, const StoredModel *like, StoredModel *out, Err *err);

#endif
