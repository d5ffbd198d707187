/* glob.h: shell patterns, by characters of UTF-8 whatever the locale is. No state; any thread.
 *
 * `*` any characters, a `/` too; `?` one; `[a-z]`, `[!a-z]`, `[^a-z]`, `[[:digit:]]` one of a set; `\` takes the next one as it is.
 * A `[` that is never closed is itself; a `\` at the end matches nothing. A byte that is not UTF-8 is a character that only itself
 * and `*`, `?` and `[!…]` match. */
#ifndef BASE_GLOB_H
#define BASE_GLOB_H

#include <stdbool.h>

/* The whole text. At most the product of the lengths in steps. */
bool glob_match(const char *pattern, const char *text);

/* The whole relative path, or, when the pattern has no '/', its last component. */
bool glob_path(const char *pattern, const char *path);

#endif
