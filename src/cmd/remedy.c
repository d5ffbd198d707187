#include "remedy.h"

#include <string.h>

#include "base/log.h"
#include "store/store.h"

const char *remedy_words(ErrRemedy remedy)
{
    static const char *const words[REMEDY_COUNT] = {
        [REMEDY_NONE] = "",
        [REMEDY_LESS_MEMORY] = "lower --jobs or --max-memory",
        [REMEDY_FEWER_SESSIONS] = "lower --jobs",
        [REMEDY_SMALLER_BATCH] = "lower --batch-bytes",
        [REMEDY_LOWER_INLINE] = "lower --jobs or --inline-limit",
        [REMEDY_UPGRADE] = "run: migrate_models_to_db db upgrade",
        [REMEDY_STATE_DIR] = "name a directory of your own, on a local disk, with --state-dir",
        [REMEDY_BACKUP_DIR] = "or name another place with --backup-dir",
        [REMEDY_REPLACE] = "or replace it with --force",
        [REMEDY_EXCLUDE] = "or leave it out with --exclude",
        [REMEDY_NEW_PLAN] = "make a new plan with: cleanup --plan FILE.csv",
        [REMEDY_MERGE] = "db merge -m MESSAGE, or name one of them, or: db upgrade heads",
        [REMEDY_ALLOW_NONE] = "allow it with --allow-none",
        [REMEDY_TRASH] = "name another folder with --trash",
    };
    return words[remedy];
}

/* So that it can be copied into a shell and works there; never with a password. */
static void add_database(Err *err, const Options *options)
{
    const char *url = options != NULL ? options->dbname : NULL;
    if (url == NULL)
        return;
    if (store_target_has_password(url) || strchr(url, '\'') != NULL)
        err_hint(err, "%s, with the same -d", err->hint);
    else
        err_hint(err, "%s -d '%s'", err->hint, url);
}

void remedy_log(const Err *err, const Options *options)
{
    Err shown = *err;
    const char *words = remedy_words(err->remedy);
    if (words[0] != '\0')
        err_hint(&shown, "%s%s%s", err->hint, err->hint[0] != '\0' ? "; " : "", words);
    if (err->remedy == REMEDY_UPGRADE)
        add_database(&shown, options);
    log_err(LOG_ERROR, &shown);
}
