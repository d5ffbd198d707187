#define _GNU_SOURCE /* strcasestr, memrchr */
#include "url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

/* The `://` of a URI, or NULL: a `:` or `@` before it is no scheme. */
static const char *scheme_end(const char *url)
{
    const char *end = strstr(url, "://");
    return end != NULL && strncasecmp(url, "postgres", 8) == 0 && strcspn(url, ":@/?= ") == (size_t)(end - url) ? end : NULL;
}

/* In the forms that libpq knows: `postgresql+psycopg2://` loses its driver, a bare word is a database as for psql. malloc'd. */
static char *normal_url(const char *url)
{
    Buf out = {0};
    const char *rest = scheme_end(url);
    bool ok;
    if (rest != NULL)
        ok = buf_text(&out, "postgresql", NULL) && buf_text(&out, rest, NULL);
    else if (url[0] != '\0' && strchr(url, '=') == NULL) {
        ok = buf_text(&out, "dbname='", NULL);
        for (const char *s = url; ok && *s != '\0'; s++)
            ok = (*s != '\'' && *s != '\\') || buf_text(&out, "\\", NULL) ? buf_append(&out, s, 1, NULL) : false;
        ok = ok && buf_text(&out, "'", NULL);
    } else
        ok = buf_text(&out, url, NULL);
    if (!ok)
        buf_free(&out);
    return out.data;
}

/* libpq's messages quote what it cannot parse. Only words of which no part can be a password are shown. */
static bool may_hold_secret(const char *url)
{
    return strchr(url, '@') != NULL || strcasestr(url, "password") != NULL;
}

/* The form that Java's drivers take. */
static bool is_jdbc(const char *url)
{
    return strncasecmp(url, "jdbc:", strlen("jdbc:")) == 0;
}

bool postgres_option_is_set(const PQconninfoOption *option)
{
    return option->val != NULL && option->val[0] != '\0';
}

static bool is_secret(const char *keyword)
{
    return strcmp(keyword, "password") == 0 || strcmp(keyword, "sslpassword") == 0;
}

const char *postgres_option(const PQconninfoOption *options, const char *keyword)
{
    for (; options != NULL && options->keyword != NULL; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return postgres_option_is_set(options) ? options->val : "";
    return "";
}

/* libpq would take an unencoded `/`, `?`, `@` of a password for the end of it, and the rest for a host, a port or a database, which
 * are shown: one `@` at most, and before the path. */
static bool is_misread(const char *url)
{
    const char *start = scheme_end(url);
    if (start == NULL)
        return strchr(url, '=') == NULL && strchr(url, '@') != NULL;
    start += strlen("://");
    const char *path = start + strcspn(start, "/?"), *at = strchr(start, '@');
    const char *end = *path == '/' ? path + strcspn(path, "?") : path + strlen(path);
    const char *last = memrchr(start, '@', (size_t)(end - start));
    return last != NULL && (last > path || last != at);
}

bool postgres_url_is_misplaced(const PQconninfoOption *options)
{
    for (; options->keyword != NULL; options++) {
        bool is_name = strcmp(options->keyword, "host") == 0 || strcmp(options->keyword, "dbname") == 0;
        if (postgres_option_is_set(options) && !is_secret(options->keyword) &&
            (strcasestr(options->val, "password=") != NULL || (is_name && strstr(options->val, "://") != NULL)))
            return true;
    }
    return false;
}

bool postgres_url_refuse_misplaced(Err *err)
{
    return err_set(err, ERR_USAGE, "the database URL cannot be parsed: a part of it may be a password, and is not where a password "
                                   "stands");
}

bool postgres_is_no_memory(const char *message)
{
    return message == NULL || strncmp(message, "out of memory", strlen("out of memory")) == 0;
}

static bool fail_parse(const char *url, const char *message, Err *err)
{
    if (postgres_is_no_memory(message))
        return err_no_memory(err);
    if (may_hold_secret(url))
        err_set(err, ERR_USAGE, "the database URL cannot be parsed");
    else
        err_set(err, ERR_USAGE, "the database URL cannot be parsed: %.*s", (int)strcspn(message, "\n"), message);
    return false;
}

static bool is_known_parameter(const char *key, size_t len)
{
    PQconninfoOption *known = PQconndefaults();
    bool found = known == NULL || (len == 3 && memcmp(key, "ssl", 3) == 0); /* libpq reads ssl=true as sslmode=require */
    for (PQconninfoOption *option = known; !found && option->keyword != NULL; option++)
        found = strlen(option->keyword) == len && memcmp(option->keyword, key, len) == 0;
    PQconninfoFree(known);
    return found;
}

/* Parameters that other programs read from the same URL: ?schema= and ?pgbouncer= of Prisma, ?currentSchema= of Java. The name is
 * shown, never the value; and no name that may be a part of something else. */
static bool refuse_foreign_parameter(const char *url, Err *err)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    const char *query = scheme_end(url) != NULL ? strchr(url, '?') : NULL;
    while (query != NULL) {
        const char *key = query + 1;
        size_t len = strspn(key, letters);
        if (len > 0 && key[len] == '=' && !is_known_parameter(key, len)) {
            err_set(err, ERR_USAGE, "the parameter %.*s of the database URL is not one of PostgreSQL's", (int)len, key);
            err_hint(err, "remove %.*s=… (another program reads it there)%s", (int)len, key,
                     strncasecmp(key, "schema", 6) == 0 || strncasecmp(key, "currentSchema", 13) == 0
                         ? "; options=-csearch_path%3DNAME chooses a schema" : "");
            return true;
        }
        query = strchr(key, '&');
    }
    return false;
}

PQconninfoOption *postgres_url_parse(const char *url, Err *err)
{
    if (is_jdbc(url)) {
        err_set(err, ERR_USAGE, "the database URL begins with jdbc:, which only Java reads");
        err_hint(err, "remove jdbc: and put user and password before the host: postgresql://user@host:port/database");
        return NULL;
    }
    if (!is_misread(url) && refuse_foreign_parameter(url, err))
        return NULL;
    char *normal = normal_url(url), *message = NULL;
    bool misread = is_misread(url);
    PQconninfoOption *options = normal != NULL && !misread ? PQconninfoParse(normal, &message) : NULL;
    if (normal == NULL)
        err_no_memory(err);
    else if (misread)
        postgres_url_refuse_misplaced(err);
    else if (options == NULL)
        fail_parse(url, message, err);
    else if (postgres_url_is_misplaced(options)) {
        postgres_url_refuse_misplaced(err);
        PQconninfoFree(options);
        options = NULL;
    }
    if (options == NULL && err != NULL && err->cls == ERR_USAGE)
        err_hint(err, "use postgresql://user@host:port/database, with %%40 for @, %%2F for / and %%3A for : inside a part, or "
                      "host=... dbname=...");
    PQfreemem(message);
    free(normal);
    return options;
}

/* `user:password@` of an address that cannot be parsed; without a scheme whatever is before an @. */
static bool has_user_password(const char *url)
{
    const char *start = url + strcspn(url, ":/?#@"), *at = strrchr(url, '@');
    start = strncmp(start, "://", 3) == 0 ? start + 3 : url;
    return at != NULL && (start == url || (at > start && memchr(start, ':', (size_t)(at - start)) != NULL));
}

bool postgres_url_has_password(const char *url)
{
    if (is_jdbc(url)) /* what is behind it may be read */
        url += strlen("jdbc:");
    PQconninfoOption *options = postgres_url_parse(url, NULL);
    if (options == NULL)
        return strcasestr(url, "password") != NULL || has_user_password(url);
    bool has = postgres_option(options, "password")[0] != '\0' || postgres_option(options, "sslpassword")[0] != '\0';
    PQconninfoFree(options);
    return has;
}
