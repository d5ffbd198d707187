/* share.h: how much of the memory that a command may use is for payloads. Private to flow/. */
#ifndef FLOW_SHARE_H
#define FLOW_SHARE_H

#include <stddef.h>
#include <stdint.h>

#define SHARE_OVERHEAD ((uint64_t)5 * 1024 * 1024)  /* bytes of a worker besides its payload: buffers of pack, COPY, backup */
#define SHARE_LEAST ((size_t)1024 * 1024)           /* bytes of payload that a worker gets at least */

/* The bytes of payload that a worker may hold in memory when `share` bytes are its part; never less than SHARE_LEAST. */
size_t share_for_payload(uint64_t share);

#endif
