/* address.h: all addresses of a host. */
#ifndef STORE_POSTGRES_SESSION_ADDRESS_H
#define STORE_POSTGRES_SESSION_ADDRESS_H

#include "target.h"

#define POSTGRES_ADDRESSES_MAX 16

typedef struct PostgresAddresses {
    size_t count;
    char text[POSTGRES_ADDRESSES_MAX][80]; /* numeric; "" = as the target has it */
} PostgresAddresses;

/* Those of host `index` of the target, in the order of the resolver; one "" for a socket or a given hostaddr. Blocks as the
 * resolver does. */
bool postgres_addresses(const PostgresTarget *target, size_t index, PostgresAddresses *out, Err *err);

#endif
