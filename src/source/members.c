#include "members.h"

bool members_add(Sha256 *sha, const char *path, bool is_directory, bool executable, Err *err)
{
    return (!is_directory && !executable) || sha256_add_line(sha, is_directory ? "d" : "x", path, err);
}
