/* embedded.h: the migration files that are embedded in the program, and the statements for the table that records them. */
#ifndef SCHEMA_EMBEDDED_H
#define SCHEMA_EMBEDDED_H

#include <stdbool.h>
#include <stddef.h>

typedef struct RevisionFile {
    const char *file;     /* 0001_models.sql */
    const char *text;
    const char *checksum; /* SHA-256 of the file, hex */
} RevisionFile;

/* File number `index` of a dialect in the order of the file names; false behind the last one. All strings are constants. */
bool revision_file(const char *dialect, size_t index, RevisionFile *out);

/* The statement of sql/DIALECT/NAME.sql, one of revisions_*.sql; NULL when there is none. */
const char *embedded_query(const char *dialect, const char *name);

#endif
