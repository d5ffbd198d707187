/* lease.h: does somebody have a file open for writing? Asked of the kernel by a read lease that is given back at once. Any
 * thread. */
#ifndef BASE_LEASE_H
#define BASE_LEASE_H

#include <stdbool.h>

/* fd: open for reading only. False also where it cannot be told: a network file system, a file of another user. SIGIO must be
 * ignored: the kernel sends it when somebody opens the file within the instant that the lease lasts. */
bool lease_is_refused(int fd);

#endif
