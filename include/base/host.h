/* host.h: this machine. Any thread. */
#ifndef BASE_HOST_H
#define BASE_HOST_H

#include <stddef.h>

/* Its name, which 65 bytes always hold; "unknown", perhaps cut, when it has none or less room. */
void host_name(char *out, size_t cap);

/* The user of this process; "uid 1234" when the system has no name for it. */
void host_user(char *out, size_t cap);

#endif
