/* parts.h: what the files of the audit share. Private to flow/. */
#ifndef FLOW_AUDIT_PARTS_H
#define FLOW_AUDIT_PARTS_H

#include "flow/audit.h"

typedef struct Row {
    StoredModel info; /* its strings are in the audit's arena */
    bool claimed;         /* a source stands for it */
    bool has_source; /* a source without a version has its name, or a source that could not be read has its key: not "only in the
                        store" */
    bool is_filled;       /* it has no digests of its own; those in `info` were worked out just now */
    bool content_recorded; /* content_sha256 is there, stored_sha256 is not: nothing was worked out from the payload */
} Row;

/* In the order of names and versions. */
typedef struct Rows {
    Audit *audit;
    Row *items;
    size_t count, cap;
} Rows;

/* Sets letter and reason (copied). */
bool audit_reason(Audit *audit, AuditItem *item, AuditLetter letter, const char *text, Err *err);

/* prove.c: the server's hash of the payloads, and with `download` the payloads themselves. */
bool audit_prove(const AuditSettings *settings, Audit *audit, Err *err);

#endif
