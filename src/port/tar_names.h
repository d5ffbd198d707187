/* tar_names.h: the paths that an archive has shown so far. Knows which are files, so that no name comes twice and nothing lies
 * below a file. */
#ifndef PORT_TAR_NAMES_H
#define PORT_TAR_NAMES_H

#include "base/buf.h"
#include "base/strmap.h"

/* Zero-initialise. */
typedef struct TarNames {
    StrMap map;         /* path -> index of its kind */
    Buf kinds;          /* one byte a path */
    Arena paths;
    uint64_t members, name_bytes;
} TarNames;

/* Takes the path of a member. A leading "./" and a directory's trailing slash are gone already. `path` is copied.
 * ERR_SKIP: not a safe path, seen before, below a file, over the limits of tar.h. */
bool tar_names_add(TarNames *names, const char *path, bool is_directory, Err *err);
void tar_names_free(TarNames *names);

#endif
