#include "cmd/command.h"

#include <stdlib.h>

#include "base/log.h"

int command_fail(const Err *err)
{
    log_err(LOG_ERROR, err);
    return err_exit_code(err->cls);
}

static const char *environment_url(void)
{
    static const char *const names[] = {"MIGRATE_MODELS_DATABASE_URL", "DATABASE_URL"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0')
            return value;
    }
    return NULL;
}

static bool libpq_environment(void)
{
    static const char *const names[] = {"PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE", "PGSERVICE", "PGUSER"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && value[0] != '\0')
            return true;
    }
    return false;
}

bool command_target(const Options *options, StoreTarget **out, Err *err)
{
    const char *url = options->dbname != NULL ? options->dbname : environment_url();
    StoreTuning tuning = {.connect_timeout = options->connect_timeout, .timeout = options->timeout, .lock_timeout = options->lock_timeout};
    if (url == NULL && !libpq_environment()) {
        err_set(err, ERR_USAGE, "no database is named");
        return err_hint(err, "use -d postgresql://USER@HOST/DATABASE, or set MIGRATE_MODELS_DATABASE_URL, DATABASE_URL, PGSERVICE or PGHOST "
                             "and PGDATABASE");
    }
    if (options->dbname != NULL && store_target_has_password(options->dbname))
        log_line(LOG_WARN, "a password on the command line can be seen by others while the program starts; better: PGPASSFILE, PGSERVICE or "
                           "MIGRATE_MODELS_DATABASE_URL");
    return store_target_new(url, &tuning, out, err);
}
