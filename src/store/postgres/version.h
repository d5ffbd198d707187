/* version.h: a row of catalog.sql or find.sql as the caller gets it. */
#ifndef STORE_POSTGRES_VERSION_H
#define STORE_POSTGRES_VERSION_H

#include "postgres.h"

#define POSTGRES_VERSION_FIELDS 7 /* name, version, digest, run id, is it a tar, members, source */

/* A field in binary as it came; len -1 = NULL. */
typedef struct PostgresField {
    const unsigned char *data;
    int len;
} PostgresField;

uint32_t postgres_u32(const unsigned char *bytes); /* big-endian */

/* ERR_STOP when the fields are not of the expected types; a name that can be none of ours is passed by. */
bool postgres_version(const Postgres *pg, const PostgresField *fields, StoreVersionFn fn, void *ctx, Err *err);

#endif
