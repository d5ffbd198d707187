/* members.h: the second digest of a directory, over what its content hash leaves out: which folders it has, empty ones too, and
 * which files are executable.
 *
 * SHA-256 of one line for each folder, `d  PATH`, and for each file that its owner may execute, `x  PATH`, in byte order of the
 * paths; escaped as sha256sum escapes them. So a person can check it:
 *
 *     find . -mindepth 1 \( -type d -printf 'd  %P\n' \) -o \( -type f -perm -u+x -printf 'x  %P\n' \) |
 *         LC_ALL=C sort -k 2 | sha256sum
 *
 * No state; any thread. */
#ifndef SOURCE_MEMBERS_H
#define SOURCE_MEMBERS_H

#include "port/sha256.h"

/* One member, in byte order of the paths. sha: reset before the first one, ended after the last. */
bool members_add(Sha256 *sha, const char *path, bool is_directory, bool executable, Err *err);

#endif
