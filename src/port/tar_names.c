#include "tar_names.h"

#include <string.h>

#include "port/tar.h"

/* A directory may be known from the paths below it before its own member comes, once. */
typedef enum Kind { KIND_FILE, KIND_DIRECTORY, KIND_IMPLIED } Kind;

static bool check_path(const char *path, Err *err)
{
    size_t len = strlen(path), depth = 0;
    if (len == 0)
        return err_set(err, ERR_SKIP, "a member has an empty name");
    if (len > TAR_PATH_MAX)
        return err_set(err, ERR_SKIP, "member %.100s...: its path is longer than %d bytes", path, TAR_PATH_MAX);
    if (path[0] == '/')
        return err_set(err, ERR_SKIP, "member %.300s: an absolute path", path);
    for (const char *at = path;; at++) {
        size_t part = strcspn(at, "/");
        if (part == 0)
            return err_set(err, ERR_SKIP, "member %.300s: an empty part in its path", path);
        if (strspn(at, ".") == part && part <= 2)
            return err_set(err, ERR_SKIP, "member %.300s: \"%.*s\" in its path", path, (int)part, at);
        if (++depth > TAR_DEPTH_MAX)
            return err_set(err, ERR_SKIP, "member %.100s...: more than %d directories inside each other", path, TAR_DEPTH_MAX);
        at += part;
        if (*at == '\0')
            return true;
    }
}

static bool store_path(TarNames *names, const char *path, size_t len, Kind kind, Err *err)
{
    if (len > TAR_NAMES_MAX - names->name_bytes)
        return err_set(err, ERR_SKIP, "the paths of its members are longer than %llu bytes", (unsigned long long)TAR_NAMES_MAX);
    char byte = (char)kind;
    uint32_t index = (uint32_t)names->kinds.len;
    const char *copy = arena_copy(&names->paths, path, len, err);
    if (copy == NULL || !buf_append(&names->kinds, &byte, 1, err) || !strmap_add(&names->map, copy, index, NULL, err))
        return false;
    names->name_bytes += len;
    return true;
}

/* Makes the directories above the member known; the longest that is known vouches for those above it. `path` is cut and mended. */
static bool add_parents(TarNames *names, char *path, Err *err)
{
    char *slash = strrchr(path, '/');
    if (slash == NULL)
        return true;
    *slash = '\0';
    uint32_t index = strmap_get(&names->map, path);
    bool ok;
    if (index == STRMAP_NONE)
        ok = add_parents(names, path, err) && store_path(names, path, strlen(path), KIND_IMPLIED, err);
    else
        ok = names->kinds.data[index] != KIND_FILE ||
             err_set(err, ERR_SKIP, "member %.300s/%.300s: it lies below a file", path, slash + 1);
    *slash = '/';
    return ok;
}

bool tar_names_add(TarNames *names, const char *path, bool is_directory, Err *err)
{
    char copy[TAR_PATH_MAX + 1];
    if (!check_path(path, err))
        return false;
    if (names->members == TAR_MEMBERS_MAX)
        return err_set(err, ERR_SKIP, "more than %llu members", (unsigned long long)TAR_MEMBERS_MAX);
    names->members++;
    memcpy(copy, path, strlen(path) + 1);
    uint32_t index = strmap_get(&names->map, path);
    if (index == STRMAP_NONE)
        return add_parents(names, copy, err) &&
               store_path(names, path, strlen(path), is_directory ? KIND_DIRECTORY : KIND_FILE, err);
    if (names->kinds.data[index] != KIND_IMPLIED || !is_directory)
        return err_set(err, ERR_SKIP, "member %.300s: the name comes twice", path);
    names->kinds.data[index] = KIND_DIRECTORY;
    return true;
}

void tar_names_free(TarNames *names)
{
    strmap_free(&names->map);
    buf_free(&names->kinds);
    arena_free(&names->paths);
    *names = (TarNames){0};
}
