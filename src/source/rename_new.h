/* rename_new.h: gives something a new name, and never takes a name that is given already. Any thread. */
#ifndef SOURCE_RENAME_NEW_H
#define SOURCE_RENAME_NEW_H

#include <stdbool.h>

/* As renameat2 with RENAME_NOREPLACE; false with errno set, EEXIST when `to` is there. Where the file system does not know that
 * flag (NFS), a file is linked and then unlinked, which is as safe, and what cannot be linked, a directory, is renamed after a
 * look: only an empty directory that appears at that very instant could be replaced. */
bool rename_new(int from_dir, const char *from, int to_dir, const char *to);

#endif
