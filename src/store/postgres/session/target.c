#define _GNU_SOURCE /* strcasestr */
#include "target.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/program.h"
#include "base/text.h"
#include "port/sha256.h"

#define EXTRA_PARAMETERS 12 /* room for those of add_defaults and resolve */

/* --- what the user gave ------------------------------------------------------------------------------------------------------ */

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

/* True when a string that libpq cannot parse may hold a password: libpq's message would quote it. */
static bool may_hold_secret(const char *url)
{
    return strcasestr(url, "pass") != NULL || strcasestr(url, "pwd") != NULL || strpbrk(url, "@%") != NULL;
}

static bool is_set(const PQconninfoOption *option)
{
    return option->val != NULL && option->val[0] != '\0';
}

static bool is_secret(const char *keyword)
{
    return strcmp(keyword, "password") == 0 || strcmp(keyword, "sslpassword") == 0;
}

static const char *option(const PQconninfoOption *options, const char *keyword)
{
    for (; options != NULL && options->keyword != NULL; options++)
        if (strcmp(options->keyword, keyword) == 0)
            return is_set(options) ? options->val : "";
    return "";
}

/* An `@` that libpq reads otherwise than meant: in the path, behind `user:pa/ss`, of which it makes host, port and path; in
 * `h:1?password=a@b`, of which it makes a password and the host b. */
static bool has_stray_at(const char *url)
{
    const char *start = scheme_end(url);
    if (start == NULL)
        return false;
    const char *path = start + 3 + strcspn(start + 3, "/?");
    if (*path == '/')
        return path[strcspn(path, "?@")] == '@';
    const char *password = strcasestr(path, "password="), *at = path + strcspn(path, "/@");
    return *at == '@' && password != NULL && password < at;
}

/* `@` begins the name of an abstract socket; elsewhere in a list of hosts it is the rest of a password. */
static bool has_at_inside(const char *hosts)
{
    for (const char *at = hosts; (at = strchr(at, '@')) != NULL; at++)
        if (at != hosts && at[-1] != ',')
            return true;
    return false;
}

/* libpq could parse it, but a part of a password stands where something is shown: a password with raw `/`, `@` or `?`, a URL
 * without its scheme, `user= password=x`, where the value of user is `password=x`. */
static bool is_misplaced(const char *url, const PQconninfoOption *options)
{
    const char *dbname = option(options, "dbname"), *port = option(options, "port");
    const char *colon = strchr(dbname, ':');
    if (has_stray_at(url) || has_at_inside(option(options, "host")) || port[strspn(port, "0123456789,")] != '\0' ||
        (colon != NULL && strchr(colon, '@') != NULL))
        return true;
    for (; options->keyword != NULL; options++)
        if (is_set(options) && !is_secret(options->keyword) && strcasestr(options->val, "password=") != NULL)
            return true;
    return false;
}

/* libpq has words for it, and nothing else. */
static bool is_no_memory(const char *message)
{
    return message == NULL || strncmp(message, "out of memory", strlen("out of memory")) == 0;
}

static PQconninfoOption *parse(const char *url, Err *err)
{
    char *normal = normal_url(url), *message = NULL;
    PQconninfoOption *options = normal != NULL ? PQconninfoParse(normal, &message) : NULL;
    bool misplaced = options != NULL && is_misplaced(url, options);
    if (misplaced) {
        PQconninfoFree(options);
        options = NULL;
    }
    if (normal == NULL)
        err_no_memory(err);
    else if (misplaced)
        err_set(err, ERR_USAGE,
                "the database URL cannot be parsed: a part of it may be a password, and is not where a password stands");
    else if (options == NULL && is_no_memory(message))
        err_no_memory(err);
    else if (options == NULL && may_hold_secret(url))
        err_set(err, ERR_USAGE, "the database URL cannot be parsed");
    else if (options == NULL)
        err_set(err, ERR_USAGE, "the database URL cannot be parsed: %.*s", (int)strcspn(message, "\n"), message);
    if (options == NULL && err != NULL && err->cls == ERR_USAGE)
        err_hint(err, "use postgresql://user@host:port/database, with %%40 for @, %%2F for / and %%3A for : inside a part, or "
                      "host=... dbname=...");
    PQfreemem(message);
    free(normal);
    return options;
}

bool postgres_target_has_password(const char *url)
{
    PQconninfoOption *options = parse(url, NULL);
    if (options == NULL)
        return may_hold_secret(url);
    bool has = option(options, "password")[0] != '\0' || option(options, "sslpassword")[0] != '\0';
    PQconninfoFree(options);
    return has;
}

/* --- parameters of the connection -------------------------------------------------------------------------------------------- */

static bool add(PostgresTarget *target, const char *keyword, const char *value, Err *err)
{
    target->keywords[target->count] = strdup(keyword);
    target->values[target->count] = strdup(value);
    if (target->keywords[target->count] != NULL && target->values[target->count] != NULL) {
        target->count++;
        return true;
    }
    free(target->keywords[target->count]);
    free(target->values[target->count]);
    target->keywords[target->count] = target->values[target->count] = NULL;
    return err_no_memory(err);
}

static bool add_given(PostgresTarget *target, const PQconninfoOption *given, Err *err)
{
    size_t count = 0;
    while (given[count].keyword != NULL)
        count++;
    target->keywords = calloc(count + EXTRA_PARAMETERS, sizeof *target->keywords);
    target->values = calloc(count + EXTRA_PARAMETERS, sizeof *target->values);
    if (target->keywords == NULL || target->values == NULL)
        return err_no_memory(err);
    for (; given->keyword != NULL; given++)
        if (is_set(given) && !add(target, given->keyword, given->val, err))
            return false;
    return true;
}

/* libpq merges the URL with the service file, the environment and its defaults only for a connection. An address that cannot be one
 * lets it do so and fail before it touches the network. */
static PQconninfoOption *resolve(PostgresTarget *target, Err *err)
{
    target->keywords[target->count] = (char[]){"hostaddr"};
    target->values[target->count] = (char[]){"-"};
    PGconn *conn = PQconnectStartParams((const char *const *)target->keywords, (const char *const *)target->values, 0);
    target->keywords[target->count] = target->values[target->count] = NULL;
    PQconninfoOption *all = conn != NULL ? PQconninfo(conn) : NULL;
    if (all == NULL)
        err_no_memory(err);
    else if (strcmp(option(all, "hostaddr"), "-") != 0) { /* nothing was merged: no such service, or its file is wrong */
        const char *message = PQerrorMessage(conn);
        if (is_no_memory(message) ||
            text_starts_with(message, "could not parse network address \"-\"")) /* merged after all, and no memory to tell it */
            err_no_memory(err);
        else
            err_set(err, ERR_USAGE, "%.*s", (int)strcspn(message, "\n"), message);
        PQconninfoFree(all);
        all = NULL;
    }
    for (size_t i = 0; all != NULL && i < target->count; i++) {
        const char *keyword = target->keywords[i];
        bool leads = strcmp(keyword, "dbname") == 0 || strcmp(keyword, "host") == 0 || strcmp(keyword, "port") == 0;
        if (leads && strcmp(option(all, keyword), target->values[i]) != 0) { /* PQconninfo leaves out what it has no memory for */
            err_no_memory(err);
            PQconninfoFree(all);
            all = NULL;
        }
    }
    PQfinish(conn);
    return all;
}

static bool add_default(PostgresTarget *target, const PQconninfoOption *all, const char *keyword, int value, Err *err)
{
    char text[16];
    snprintf(text, sizeof text, "%d", value);
    return option(all, keyword)[0] != '\0' || add(target, keyword, text, err);
}

/* What makes a dead network show, unless the user knows better. The encoding is ours to choose: what we send is UTF-8. */
static bool add_defaults(PostgresTarget *target, const PQconninfoOption *all, Err *err)
{
    double timeout = target->base.tuning.timeout;
    int64_t given;
    target->prefer_standby = strcmp(option(all, "target_session_attrs"), "prefer-standby") == 0;
    target->connect_timeout = target->base.tuning.connect_timeout;
    if (text_parse_int(option(all, "connect_timeout"), 1, 86400, &given))
        target->connect_timeout = (double)given;
    return add(target, "client_encoding", "UTF8", err) && add(target, "fallback_application_name", PROGRAM_NAME, err) &&
           add_default(target, all, "keepalives", 1, err) && add_default(target, all, "keepalives_idle", 10, err) &&
           add_default(target, all, "keepalives_interval", 10, err) && add_default(target, all, "keepalives_count", 3, err) &&
           add_default(target, all, "tcp_user_timeout", timeout > 1e6 ? 1000000000 : (int)(timeout * 1000), err);
}

/* --- label, key, url --------------------------------------------------------------------------------------------------------- */

static size_t count_items(const char *list)
{
    size_t count = 1;
    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

/* Where the session goes, filled from URL, service file, environment and defaults. */
typedef struct Place {
    const char *host, *port, *dbname, *user;
} Place;

/* psql takes a URL for the name of a database; libpq by itself does not, and the name is shown. */
static bool is_address(const char *name)
{
    return strstr(name, "://") != NULL || strcasestr(name, "password=") != NULL;
}

static bool set_place(PostgresTarget *target, const PQconninfoOption *given, const PQconninfoOption *all, Place *out, Err *err)
{
    const char *hostaddr = option(given, "hostaddr");
    if (hostaddr[0] == '\0' && getenv("PGHOSTADDR") != NULL)
        hostaddr = getenv("PGHOSTADDR");
    target->host = strdup(option(all, "host"));
    target->hostaddr = strdup(hostaddr);
    target->port = strdup(option(all, "port"));
    if (target->host == NULL || target->hostaddr == NULL || target->port == NULL)
        return err_no_memory(err);
    out->host = target->host[0] != '\0' ? target->host : target->hostaddr[0] != '\0' ? target->hostaddr : "local";
    out->port = target->port[0] != '\0' ? target->port : "5432";
    out->user = option(all, "user");
    out->dbname = option(all, "dbname")[0] != '\0' ? option(all, "dbname") : out->user;
    if (is_address(out->dbname) || is_address(out->host)) {
        err_set(err, ERR_USAGE, "%s is a URL; it is not shown, for it may hold a password",
                is_address(out->dbname) ? "the name of the database (dbname, PGDATABASE)" : "the name of the host (host, PGHOST)");
        return err_hint(err, "put the URL into MIGRATE_MODELS_DATABASE_URL");
    }
    target->host_count = count_items(hostaddr[0] != '\0' ? hostaddr : target->host);
    return true;
}

static void append_safe(char *out, size_t cap, const char *s, size_t most)
{
    size_t used = strlen(out);
    for (size_t i = 0; i < most && s[i] != '\0' && used + 1 < cap; i++)
        out[used++] = isalnum((unsigned char)s[i]) || strchr("@._-", s[i]) != NULL ? s[i] : '_';
    out[used] = '\0';
}

/* models@db1-5432-0123abcd; the digest tells apart what the replaced characters do not. */
static bool make_key(PostgresTarget *target, const Place *place, Err *err)
{
    Buf text = {0};
    Digest digest;
    char hex[2 * DIGEST_BYTES + 1], key[160] = "";
    bool ok = buf_format(&text, err, "%s\n%s\n%s", place->host, place->port, place->dbname) &&
              sha256_once(text.data, text.len, &digest, err);
    buf_free(&text);
    if (!ok)
        return false;
    digest_hex(&digest, hex);
    append_safe(key, sizeof key, place->dbname, 48);
    append_safe(key, sizeof key, "@", 1);
    append_safe(key, sizeof key, place->host, 48);
    append_safe(key, sizeof key, "-", 1);
    append_safe(key, sizeof key, place->port, 12);
    append_safe(key, sizeof key, "-", 1);
    append_safe(key, sizeof key, hex, 8);
    target->base.key = strdup(key);
    return target->base.key != NULL || err_no_memory(err);
}

static bool append_encoded(Buf *out, const char *s, const char *also, Err *err)
{
    for (; *s != '\0'; s++) {
        bool plain = isalnum((unsigned char)*s) || strchr("._-", *s) != NULL || strchr(also, *s) != NULL;
        if (!(plain ? buf_append(out, s, 1, err) : buf_format(out, err, "%%%02X", (unsigned char)*s)))
            return false;
    }
    return true;
}

/* All that was given but secrets, as one URI. Nothing was given: "". */
static bool make_url(PostgresTarget *target, const PQconninfoOption *given, Err *err)
{
    Buf out = {0};
    bool ok = buf_text(&out, "postgresql://", err);
    const char *user = option(given, "user"), *dbname = option(given, "dbname");
    bool any = user[0] != '\0' || dbname[0] != '\0';
    if (user[0] != '\0')
        ok = ok && append_encoded(&out, user, "", err) && buf_text(&out, "@", err);
    bool simple_host = count_items(option(given, "host")) == 1 && strchr(option(given, "host"), '/') == NULL &&
                       strchr(option(given, "host"), ':') == NULL;
    if (simple_host && option(given, "host")[0] != '\0') {
        ok = ok && append_encoded(&out, option(given, "host"), "", err);
        if (option(given, "port")[0] != '\0')
            ok = ok && buf_text(&out, ":", err) && append_encoded(&out, option(given, "port"), "", err);
        any = true;
    } else
        simple_host = false;
    ok = ok && buf_text(&out, "/", err) && append_encoded(&out, dbname, "", err);
    const char *separator = "?";
    for (; ok && given->keyword != NULL; given++) {
        const char *key = given->keyword;
        bool done = strcmp(key, "user") == 0 || strcmp(key, "dbname") == 0 ||
                    (simple_host && (strcmp(key, "host") == 0 || strcmp(key, "port") == 0));
        if (!is_set(given) || done || is_secret(key))
            continue;
        ok = buf_format(&out, err, "%s%s=", separator, key) && append_encoded(&out, given->val, "/,", err);
        separator = "&";
        any = true;
    }
    if (!any)
        buf_clear(&out);
    ok = ok && buf_text(&out, "", err); /* the NUL */
    if (!ok)
        buf_free(&out);
    target->base.url = out.data;
    return ok;
}

static bool make_label(PostgresTarget *target, const Place *place, Err *err)
{
    Buf raw = {0};
    size_t cap;
    if (!buf_format(&raw, err, strchr(place->host, ':') != NULL ? "[%s]:%s/%s" : "%s:%s/%s", place->host, place->port,
                    place->dbname))
        return false;
    cap = 4 * raw.len + 1;
    target->base.label = malloc(cap);
    if (target->base.label != NULL)
        text_escape(target->base.label, cap, raw.data, raw.len);
    buf_free(&raw);
    return target->base.label != NULL || err_no_memory(err);
}

/* --- the target -------------------------------------------------------------------------------------------------------------- */

bool postgres_target_new(const char *url, const StoreTuning *tuning, StoreTarget **out, Err *err)
{
    PQconninfoOption *given = parse(url, err), *all = NULL;
    PostgresTarget *target = NULL;
    Place place = {0};
    bool ok = false;
    if (given == NULL)
        return false;
    target = calloc(1, sizeof *target);
    if (target == NULL) {
        err_no_memory(err);
        goto out;
    }
    target->base = (StoreTarget){.tuning = *tuning};
    if (!add_given(target, given, err))
        goto out;
    all = resolve(target, err);
    if (all == NULL || !set_place(target, given, all, &place, err) || !add_defaults(target, all, err))
        goto out;
    ok = make_label(target, &place, err) && make_key(target, &place, err) && make_url(target, given, err);
out:
    if (ok)
        *out = &target->base;
    else if (target != NULL)
        postgres_target_free(&target->base);
    PQconninfoFree(given);
    PQconninfoFree(all);
    return ok;
}

/* A plain memset before free may be left out by the compiler. */
static void wipe(char *s)
{
    for (volatile char *p = s; *p != '\0'; p++)
        *p = '\0';
}

void postgres_target_free(StoreTarget *base)
{
    PostgresTarget *target = (PostgresTarget *)base;
    for (size_t i = 0; i < target->count; i++) {
        wipe(target->values[i]);
        free(target->keywords[i]);
        free(target->values[i]);
    }
    free(target->keywords);
    free(target->values);
    free(target->host);
    free(target->hostaddr);
    free(target->port);
    store_target_clear(base);
    free(target);
}
