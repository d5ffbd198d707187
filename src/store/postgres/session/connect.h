/* connect.h: opens and closes a session. */
#ifndef STORE_POSTGRES_SESSION_CONNECT_H
#define STORE_POSTGRES_SESSION_CONNECT_H

#include "../postgres.h"

bool postgres_open(const StoreTarget *target, Store **out, bool *full, Err *err);
void postgres_close(Store *store);
bool postgres_alive(const Store *store);

/* The client library and its version. */
void postgres_library(char *out, size_t cap);

#endif
