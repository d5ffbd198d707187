/* pack.h: reads one source and makes the payload to store.
 *
 * A file becomes one gzip member, or stays as it is when it is compressed already or does not get smaller. A directory becomes a
 * tar with its members at the root, then gzip. The same source always gives the same bytes. See docs/formats.md. A Packer holds the
 * buffers of one worker and is reused; one thread at a time, no shared state between packers. */
#ifndef SOURCE_PACK_H
#define SOURCE_PACK_H

#include "base/spool.h"
#include "model/model.h"
#include "source/scan.h"
#include "store/stored_model.h"

typedef struct PackSettings {
    int level;              /* 1..9, 0 = keep as it is (--compress none) */
    size_t memory_limit;    /* bytes of payload kept in memory; beyond it a temporary file in temp_dir */
    const char *temp_dir;   /* borrowed */
    const ScanRules *rules; /* borrowed: which members of a directory are content; NULL = none is excluded, no link followed */
    bool keep_payload;      /* false: dry run, digests and sizes only */
    bool plain;             /* files become plain pickles, where they can (--payload pickle) */
} PackSettings;

typedef struct Packed {
    Digest content, stored;
    Digest members;        /* of a directory, with is_tar: docs/formats.md */
    bool has_whole;        /* of a directory with junk in it, when it was asked for: the digests with it */
    Digest whole_content, whole_members;
    uint64_t raw_bytes, stored_bytes;
    bool is_tar, is_gzip;
    bool is_pickle;        /* the payload is the plain form of the file: docs/formats.md */
    bool is_plain;         /* pickle.loads reads the payload; asked for by `plain` */
    bool has_pickle;       /* it begins as one, when that was asked for */
    char no_plain[128];    /* why it does not, when it was asked for and the source is a file */
    Stamp stamp;           /* of the source, the same before and after the read */
    int64_t read_ns;       /* clock_real_ns just before the first stat */
    Spool *payload;        /* the packer's own: valid until its next pack */
} Packed;

typedef struct Packer Packer;
Packer *packer_new(const PackSettings *settings, Err *err);
void packer_free(Packer *packer);

/* root: the open MODELS_DIR. A source that changes while it is read is read again, three times in all.
 * ERR_SKIP: unreadable, vanished, symlink, special file, empty, cut short, no model inside (sound.h), open for writing, changed
 * while read. ERR_STOP: no memory, no disk.
 * The text starts with the model's path. On failure *out is untouched. */
bool pack_model(Packer *packer, int root, const Model *model, Packed *out, Err *err);

/* From now on the junk in directories is hashed, too, as version 0.1.0 did, which stored it. */
void packer_hash_junk(Packer *packer, bool on);

/* The last failure was that somebody has the file open for writing: its next reading may succeed. */
bool packer_was_busy(const Packer *packer);

/* The row that the payload is stored in; what the run adds (type, event, chunks, source, run) is "" or 0. Borrows the name. */
StoredModel packed_row(const Model *model, const Packed *packed);

#endif
