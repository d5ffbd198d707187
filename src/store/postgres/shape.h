/* shape.h: which of our tables are there, and are they sound? */
#ifndef STORE_POSTGRES_SHAPE_H
#define STORE_POSTGRES_SHAPE_H

#include "postgres.h"

typedef struct PostgresShape {
    bool has_revisions, has_models, has_digests, version_is_bigint, has_triggers, created_is_local;
    bool has_identity, knows_server; /* readable for this role */
    bool has_members; /* models.members_sha256, which revision 0002 adds */
    bool knows_digests, keeps_digests; /* model_digests, readable and writable for this role */
    char key_remedy[512]; /* statements that make (name, version) unique again, "" when it is */
} PostgresShape;

/* Inside a transaction. */
bool postgres_shape(Postgres *pg, PostgresShape *out, Err *err);

/* The query for tables of this shape: before revision 0002, members_sha256 is not recorded for any row. */
bool postgres_for_shape(const PostgresShape *shape, const char *sql, Buf *out, Err *err);

/* ERR_SCHEMA without a unique key. */
bool postgres_require_key(const Postgres *pg, const PostgresShape *shape, Err *err);

/* Once a session, inside its first batch: ERR_SCHEMA unless rows can be put; notes in pg how. */
bool postgres_learn_shape(Postgres *pg, Err *err);

#endif
