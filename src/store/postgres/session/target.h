/* target.h: where a session goes. Made once, shared by threads, never changed. */
#ifndef STORE_POSTGRES_SESSION_TARGET_H
#define STORE_POSTGRES_SESSION_TARGET_H

#include "../postgres.h"

typedef struct PostgresTarget {
    StoreTarget base;
    char **keywords, **values; /* for PQconnectStartParams, NULL-terminated; a password is in here and nowhere else */
    size_t count;
    char *host, *hostaddr, *port; /* comma lists, "" when not set */
    size_t host_count;
    double connect_timeout; /* seconds for one address */
    bool prefer_standby;    /* a standby, or else any server */
    struct PostgresInto *into; /* the table of somebody else's that is the store; NULL = our own */
} PostgresTarget;

bool postgres_target_new(const char *url, const StoreTuning *tuning, StoreTarget **out, Err *err);
bool postgres_in_environment(void); /* does libpq's own environment name a server, database or user? */
void postgres_target_free(StoreTarget *target);

/* Item `index` of a comma list; a list of one item holds for all. Returns the length of the item, which may be cut off in `out`. */
size_t postgres_item(char *out, size_t cap, const char *list, size_t index);

#endif
