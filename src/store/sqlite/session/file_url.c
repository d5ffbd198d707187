#include "file_url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

#define FORMS "use sqlite:///relative.db, sqlite:////absolute/path.db, or the path of a file that ends in .db, .sqlite or .sqlite3"

/* Behind the `scheme:` or `scheme+driver:` of SQLite; NULL when there is another one or none. */
static const char *behind_scheme(const char *url)
{
    size_t len = strcspn(url, "+:/?= ");
    if (!(len == 6 && strncasecmp(url, "sqlite", 6) == 0) && !(len == 7 && strncasecmp(url, "sqlite3", 7) == 0))
        return NULL;
    const char *rest = url + len;
    if (*rest == '+')
        rest += 1 + strspn(rest + 1, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
    return *rest == ':' ? rest + 1 : NULL;
}

static bool ends_like_a_file(const char *path, size_t len)
{
    static const char *const endings[] = {".db", ".sqlite", ".sqlite3"};
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++) {
        size_t ending = strlen(endings[i]);
        if (len > ending && strncasecmp(path + len - ending, endings[i], ending) == 0)
            return true;
    }
    return false;
}

/* `dbname=x.db host=y` is no file, but ./a=b.db is one. */
static bool is_path(const char *url)
{
    size_t equals = strcspn(url, "="), slash = strcspn(url, "/"), end = strcspn(url, "?");
    return strstr(url, "://") == NULL && (equals > slash || equals > end || url[equals] == '\0') && ends_like_a_file(url, end);
}

bool sqlite_url_is_ours(const char *url)
{
    return behind_scheme(url) != NULL || is_path(url) || strcmp(url, ":memory:") == 0;
}

bool sqlite_url_has_password(const char *url)
{
    const char *rest = behind_scheme(url);
    if (rest == NULL || strncmp(rest, "//", 2) != 0)
        return false;
    return memchr(rest + 2, '@', strcspn(rest + 2, "/?")) != NULL;
}

static bool refuse_memory(Err *err)
{
    err_set(err, ERR_USAGE, "a database in memory would be gone when the program ends");
    return err_hint(err, FORMS);
}

/* What Python's connect() takes in an address that a program shares with us: it means nothing for the file. */
static bool is_of_python(const char *key, size_t len)
{
    static const char *const keys[] = {"check_same_thread", "timeout",           "isolation_level",
                                       "detect_types",      "cached_statements", "uri"};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (len == strlen(keys[i]) && strncmp(key, keys[i], len) == 0)
            return true;
    return false;
}

static bool is_yes(const char *value)
{
    return strcmp(value, "1") == 0 || strcasecmp(value, "true") == 0 || strcasecmp(value, "yes") == 0 ||
           strcasecmp(value, "on") == 0;
}

static bool is_no(const char *value)
{
    return strcmp(value, "0") == 0 || strcasecmp(value, "false") == 0 || strcasecmp(value, "no") == 0 ||
           strcasecmp(value, "off") == 0;
}

/* One `key=value`. */
static bool take_parameter(SqliteUrl *url, const char *text, Err *err)
{
    size_t len = strcspn(text, "=");
    const char *value = text[len] == '=' ? text + len + 1 : "";
    bool known = true;
    if (len == 4 && strncmp(text, "mode", 4) == 0) {
        known = strcmp(value, "ro") == 0 || strcmp(value, "rw") == 0 || strcmp(value, "rwc") == 0;
        url->read_only = strcmp(value, "ro") == 0;
    } else if (len == 9 && strncmp(text, "immutable", 9) == 0) {
        known = is_yes(value) || is_no(value);
        url->immutable = is_yes(value);
    } else if (len == 7 && strncmp(text, "journal", 7) == 0) {
        known = strcasecmp(value, "wal") == 0 || strcasecmp(value, "delete") == 0;
        url->wal = strcasecmp(value, "wal") == 0;
    } else if (!is_of_python(text, len)) {
        err_set(err, ERR_USAGE, "the address of an SQLite file has no parameter \"%.*s\"", (int)(len < 40 ? len : 40), text);
        return err_hint(err, "use mode=ro, immutable=1 or journal=wal");
    }
    return known || err_set(err, ERR_USAGE, "\"%.60s\" means nothing in the address of an SQLite file", text);
}

static bool take_parameters(SqliteUrl *url, char *query, Err *err)
{
    for (char *part = query, *next; part != NULL; part = next) {
        next = strchr(part, '&');
        if (next != NULL)
            *next++ = '\0';
        if (*part != '\0' && !take_parameter(url, part, err))
            return false;
    }
    return true;
}

static bool take_path(const char *path, bool encoded, SqliteUrl *url, Err *err)
{
    size_t end = strcspn(path, "?");
    url->path = strdup(path);
    if (url->path == NULL)
        return err_no_memory(err);
    char *query = url->path[end] == '?' ? url->path + end + 1 : NULL;
    url->path[end] = '\0';
    if (query != NULL && !take_parameters(url, query, err))
        return false;
    if (encoded && text_percent_decode(url->path, end) < 0)
        return err_set(err, ERR_USAGE, "the address of the SQLite file has a malformed %%-escape");
    if (url->path[0] == '\0' || strcmp(url->path, ":memory:") == 0 || strcmp(url->path, "/:memory:") == 0)
        return refuse_memory(err);
    if (strncmp(url->path, "file:", 5) == 0) {
        err_set(err, ERR_USAGE, "file: is no form of the address of an SQLite file here");
        return err_hint(err, FORMS);
    }
    return true;
}

bool sqlite_url_parse(const char *url, SqliteUrl *out, Err *err)
{
    SqliteUrl found = {0};
    const char *rest = behind_scheme(url);
    bool ok;
    if (rest == NULL)
        ok = take_path(url, false, &found, err);
    else if (strcmp(rest, "") == 0 || strcmp(rest, "//") == 0)
        ok = refuse_memory(err);
    else if (strncmp(rest, "///", 3) != 0) {
        ok = err_set(err, ERR_USAGE,
                     "an SQLite file is on no host: three slashes before a relative path, four before an absolute one");
        err_hint(err, FORMS);
    } else
        ok = take_path(rest + 3, true, &found, err);
    if (ok)
        *out = found;
    else
        free(found.path);
    return ok;
}
