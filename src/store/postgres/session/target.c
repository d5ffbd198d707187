#include "target.h"

#include <ctype.h>
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/program.h"
#include "base/text.h"
#include "port/sha256.h"
#include "../into/into.h"
#include "url.h"

#define EXTRA_PARAMETERS 12 /* room for those of add_defaults and resolve */

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
        if (postgres_option_is_set(given) && !add(target, given->keyword, given->val, err))
            return false;
    return true;
}

static void fail_resolve(const char *message, Err *err)
{
    err_set(err, ERR_USAGE, "%.*s", (int)strcspn(message, "\n"), message);
    err_hint(err, "check the service and its file (PGSERVICE, PGSERVICEFILE) and the other settings of the connection");
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
    else if (strcmp(postgres_option(all, "hostaddr"), "-") != 0) { /* nothing was merged: no such service, or its file is wrong */
        const char *message = PQerrorMessage(conn);
        if (postgres_is_no_memory(message) ||
            text_starts_with(message, "could not parse network address \"-\"")) /* merged after all, and no memory to tell it */
            err_no_memory(err);
        else
            fail_resolve(message, err);
        PQconninfoFree(all);
        all = NULL;
    }
    for (size_t i = 0; all != NULL && i < target->count; i++) {
        const char *keyword = target->keywords[i];
        bool leads = strcmp(keyword, "dbname") == 0 || strcmp(keyword, "host") == 0 || strcmp(keyword, "port") == 0;
        if (leads && strcmp(postgres_option(all, keyword), target->values[i]) != 0) { /* PQconninfo has no memory for it */
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
    return postgres_option(all, keyword)[0] != '\0' || add(target, keyword, text, err);
}

/* What makes a dead network show, unless the user knows better. The encoding is ours to choose: what we send is UTF-8. */
static bool add_defaults(PostgresTarget *target, const PQconninfoOption *all, Err *err)
{
    double timeout = target->base.tuning.timeout;
    int64_t given;
    target->prefer_standby = strcmp(postgres_option(all, "target_session_attrs"), "prefer-standby") == 0;
    target->connect_timeout = target->base.tuning.connect_timeout;
    if (text_parse_int(postgres_option(all, "connect_timeout"), 1, 86400, &given))
        target->connect_timeout = (double)given;
    return add(target, "client_encoding", "UTF8", err) && add(target, "fallback_application_name", PROGRAM_NAME, err) &&
           add_default(target, all, "keepalives", 1, err) && add_default(target, all, "keepalives_idle", 10, err) &&
           add_default(target, all, "keepalives_interval", 10, err) && add_default(target, all, "keepalives_count", 3, err) &&
           add_default(target, all, "tcp_user_timeout", timeout > 1e6 ? 1000000000 : (int)(timeout * 1000), err);
}

/* --- label and key ------------------------------------------------------------------------------------------------------------ */

static size_t count_items(const char *list)
{
    size_t count = 1;
    for (; *list != '\0'; list++)
        count += *list == ',';
    return count;
}

size_t postgres_item(char *out, size_t cap, const char *list, size_t index)
{
    const char *start = list;
    for (; index > 0 && strchr(start, ',') != NULL; index--)
        start = strchr(start, ',') + 1;
    size_t len = strcspn(start, ",");
    snprintf(out, cap, "%.*s", (int)len, start);
    return len;
}

/* Where the session goes, filled from URL, service file, environment and defaults. */
typedef struct Place {
    const char *host, *port, *dbname, *user;
} Place;

/* libpq would say so after all retries. A port may be a part of a password that stands in the wrong place, so it is not shown. */
static bool check_ports(const char *list, Err *err)
{
    char port[16];
    int64_t number;
    for (size_t i = 0; i < count_items(list); i++) {
        size_t len = postgres_item(port, sizeof port, list, i);
        if (len > 0 && (len >= sizeof port || !text_parse_int(port, 1, 65535, &number))) {
            err_set(err, ERR_USAGE, "the port of the database is not a number from 1 to 65535");
            return err_hint(err, "check the address, port= and PGPORT");
        }
    }
    return true;
}

/* libpq takes the name that the system has for this process's user. */
static bool check_user(const char *user, Err *err)
{
    if (user[0] != '\0')
        return true;
    errno = 0;
    if (getpwuid(geteuid()) != NULL || errno == ENOMEM)
        return err_no_memory(err); /* libpq had none for it */
    err_set(err, ERR_USAGE, "no database user is named, and the user of this process (uid %ld) has no name", (long)geteuid());
    return err_hint(err, "name one: postgresql://USER@host/database, user=USER or PGUSER");
}

static bool set_place(PostgresTarget *target, const PQconninfoOption *given, const PQconninfoOption *all, Place *out, Err *err)
{
    const char *hostaddr = postgres_option(given, "hostaddr");
    if (hostaddr[0] == '\0' && getenv("PGHOSTADDR") != NULL)
        hostaddr = getenv("PGHOSTADDR");
    target->host = strdup(postgres_option(all, "host"));
    target->hostaddr = strdup(hostaddr);
    target->port = strdup(postgres_option(all, "port"));
    if (target->host == NULL || target->hostaddr == NULL || target->port == NULL)
        return err_no_memory(err);
    out->host = target->host[0] != '\0' ? target->host : target->hostaddr[0] != '\0' ? target->hostaddr : "local";
    out->port = target->port[0] != '\0' ? target->port : "5432";
    out->user = postgres_option(all, "user");
    out->dbname = postgres_option(all, "dbname")[0] != '\0' ? postgres_option(all, "dbname") : out->user;
    if (postgres_url_is_misplaced(all)) { /* psql takes a URL for the name of a database; libpq does not, and the name is shown */
        postgres_url_refuse_misplaced(err);
        return err_hint(err, "PGHOST and PGDATABASE hold names; put a URL into MIGRATE_MODELS_DATABASE_URL");
    }
    if (!check_ports(target->port, err) || !check_user(out->user, err))
        return false;
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

bool postgres_in_environment(void)
{
    static const char *const names[] = {"PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE", "PGUSER"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0')
            return true;
    }
    return false;
}

bool postgres_target_new(const char *url, const StoreTuning *tuning, StoreTarget **out, Err *err)
{
    PQconninfoOption *given = postgres_url_parse(url, err), *all = NULL;
    PostgresTarget *target = NULL;
    Place place = {0};
    bool ok = false;
    if (given == NULL)
        return false;
    /* libpq would have the server use it: created_at without a time zone is in the zone of the database, as in the rows of others,
     * not in that of whoever runs this. */
    unsetenv("PGTZ");
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
    ok = make_label(target, &place, err) && make_key(target, &place, err);
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
    into_free(target->into);
    free(target);
}
