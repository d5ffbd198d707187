#include "share.h"

/* A growing buffer is up to half as large again as what is in it. */
size_t share_for_payload(uint64_t share)
{
    uint64_t payload = share > SHARE_OVERHEAD ? (share - SHARE_OVERHEAD) / 3 * 2 : 0;
    return payload < SHARE_LEAST ? SHARE_LEAST : (size_t)payload;
}
