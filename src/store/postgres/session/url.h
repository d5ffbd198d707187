/* url.h: what the user gave as the address of a database, as libpq reads it. */
#ifndef STORE_POSTGRES_SESSION_URL_H
#define STORE_POSTGRES_SESSION_URL_H

#include <libpq-fe.h>
#include <stdbool.h>

#include "base/err.h"

/* The options that were given; free with PQconninfoFree. NULL: ERR_USAGE (no part of a password is in it), or no memory. */
PQconninfoOption *postgres_url_parse(const char *url, Err *err);

bool postgres_url_has_password(const char *url); /* or may it? */

/* A URL or a password in the place of a name, as in `user= password=x`, where libpq takes `password=x` for the user. */
bool postgres_url_is_misplaced(const PQconninfoOption *options);
bool postgres_url_refuse_misplaced(Err *err); /* always false */

const char *postgres_option(const PQconninfoOption *options, const char *keyword); /* "" when it is not set */
bool postgres_option_is_set(const PQconninfoOption *option);

/* libpq's words for it; it has no code. NULL is. */
bool postgres_is_no_memory(const char *message);

#endif
