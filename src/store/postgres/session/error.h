/* error.h: what the server or libpq says, as an Err. Pure: the session is not touched. All return false. */
#ifndef STORE_POSTGRES_SESSION_ERROR_H
#define STORE_POSTGRES_SESSION_ERROR_H

#include "../postgres.h"

ErrClass postgres_error_class(const char *sqlstate, const char *message);
bool postgres_error_of_result(const Postgres *pg, const PGresult *result, Err *err);
bool postgres_error_of_connection(const Postgres *pg, Err *err); /* the session is lost, PQerrorMessage says why */
bool postgres_error_of_connect(const Postgres *pg, const char *message, bool needs_password, Err *err);

/* A trigger changed or dropped a row. It counts as an answer of the server: no COMMIT went out. */
bool postgres_error_of_trigger(const Postgres *pg, Err *err, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
