/* audit.h: the tree and the store side by side, with the proof for each pair. What `check` prints and what `cleanup` decides by.
 *
 *   scan -> read and hash every source -> list the store -> pair by name and version -> the server hashes the payloads -> perhaps
 * read back
 *
 * Nothing is written anywhere. */
#ifndef FLOW_AUDIT_H
#define FLOW_AUDIT_H

#include "base/strmap.h"
#include "flow/retry.h"
#include "source/source_tree.h"
#include "store/proof.h"

/* As rclone has them. */
typedef enum AuditLetter {
    AUDIT_SAME = '=',
    AUDIT_ONLY_DISK = '+',
    AUDIT_ONLY_STORE = '-',
    AUDIT_DIFFERS = '*',  /* other content, or a payload that is damaged */
    AUDIT_UNCHECKED = '!' /* could not be read, here or there */
} AuditLetter;

/* One line. Strings are in the audit's arena, or NULL. */
typedef struct AuditItem {
    AuditLetter letter;
    uint32_t model;      /* index into the list, UINT32_MAX for AUDIT_ONLY_STORE */
    const char *name;    /* NULL when the source has no good name */
    int32_t version;     /* of the row that it was paired with, else of the source */
    const char *reason;  /* why it is not '=', for people; NULL for '=', '+' and '-' */
    const char *stays;   /* of '=': why a clean-up must leave it all the same, or NULL */
    const char *note;    /* of '=': what is to be known before it goes, or NULL */
    int32_t readers_version; /* of '=': the version that readers of the name get, VERSION_AUTO = none */
    uint64_t raw_bytes;  /* of the row's content, else of the source */
    const StoredModel *row; /* NULL: none. In the audit; without has_digests its digests were worked out just now */
    bool is_unproven;    /* … not even that: nothing was worked out, or content_sha256 is recorded alone: reading back can tell */
    bool is_older;       /* '-' or damaged: another version of a name that the tree has without a version; history, no difference */
    bool is_damaged;     /* the payload is not what the row says */
    bool store_proof;   /* the server's hash of the payload is the recorded one */
    StoreDoubt doubt;    /* why the server does not promise to keep the row; as of the server's proof */
    bool download_proof; /* read back, decoded and hashed here: it is the content */
    Stamp stamp;         /* of the source when it was hashed */
} AuditItem;

typedef struct Audit {
    AuditItem *items; /* sources in the order of the list, then rows that only the store has, by name and version */
    size_t count, cap;
    uint64_t counts[5], bytes[5]; /* by audit_index of the letter; raw bytes */
    uint64_t older;               /* items that are is_older, and with one_way those that would be */
    char store[STORE_IDENTITY_SIZE]; /* its identifier */
    struct Rows *rows;            /* what the store lists */
    Arena arena;
} Audit;

typedef struct AuditSettings {
    const char *models_dir;
    Retry *retry;
    ScanRules scan;
    const char *map_file;
    unsigned jobs;
    bool download;        /* read every paired payload back */
    bool one_way;         /* do not report what only the store has */
    const char *here;     /* NULL, or this host: of what only the store has, report what was stored from it and models_dir */
    bool for_removal;     /* what stands against the removal of a source that may go is asked, too */
    const StrMap *only;   /* NULL, or the paths to read: the others are not looked at and come out as not checked */
    double sample_share;  /* 0..1 of the pairs and rows are proven in the store (1 = all) … */
    uint64_t sample_count; /* … or so many (0 = use the share) */
} AuditSettings;

/* models: filled by the scan, owned by the caller. ERR_UNREACHABLE when the store stays away, never a difference. */
bool audit_run(const AuditSettings *settings, SourceTree *tree, ModelList *models, Audit *out, Err *err);
void audit_free(Audit *audit);

unsigned audit_index(AuditLetter letter); /* 0..4: = + - * ! */

#endif
