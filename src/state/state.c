#include "state/state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/atomic_file.h"
#include "base/fs.h"
#include "base/program.h"

static char *default_dir(Err *err)
{
    const char *unit = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
    char *base = NULL, *dir = NULL;
    if (unit != NULL && unit[0] == '/') { /* a unit of systemd may have several */
        dir = strndup(unit, strcspn(unit, ":"));
        if (dir == NULL)
            err_no_memory(err);
        return dir;
    }
    if (xdg != NULL && xdg[0] == '/')
        base = strdup(xdg);
    else if (home != NULL && home[0] == '/')
        base = fs_join(home, ".local/state");
    else {
        err_set(err, ERR_USAGE, "no place for the state: neither XDG_STATE_HOME nor HOME is set");
        err_remedy(err, REMEDY_STATE_DIR);
        return NULL;
    }
    if (base == NULL || (dir = fs_join(base, PROGRAM_NAME)) == NULL)
        err_no_memory(err);
    free(base);
    return dir;
}

bool state_locate(const char *state_dir, const char *backup_dir, const StoreTarget *target, State *out, Err *err)
{
    const char *temp = getenv("TMPDIR");
    *out = (State){.lock = {.fd = -1}};
    char *base = state_dir != NULL ? strdup(state_dir) : default_dir(err);
    if (base == NULL)
        return state_dir != NULL ? err_no_memory(err) : false;
    out->folder = fs_join(base, store_target_key(target));
    free(base);
    if (out->folder == NULL)
        return err_no_memory(err);
    out->journal_path = fs_join(out->folder, "journal");
    out->trail_path = fs_join(out->folder, "removed");
    out->backup_dir = backup_dir != NULL ? strdup(backup_dir) : fs_join(out->folder, "backups");
    out->temp_dir = strdup(temp != NULL && temp[0] != '\0' ? temp : "/tmp");
    if (out->journal_path == NULL || out->trail_path == NULL || out->backup_dir == NULL || out->temp_dir == NULL) {
        state_close(out);
        return err_no_memory(err);
    }
    return true;
}

bool state_is_there(const State *state)
{
    struct stat st;
    return stat(state->folder, &st) == 0 && S_ISDIR(st.st_mode);
}

bool state_open(State *state, const char *run_id, Err *err)
{
    char *lock_path = fs_join(state->folder, "lock");
    if (lock_path == NULL)
        return err_no_memory(err);
    bool ok = (fs_make_private_dir(state->folder, err) || err_remedy(err, REMEDY_STATE_DIR)) &&
              lock_take(lock_path, run_id, &state->lock, err);
    if (ok)
        atomic_file_sweep(state->folder);
    ok = ok && journal_open(state->journal_path, &state->journal, err);
    free(lock_path);
    return ok;
}

void state_close(State *state)
{
    journal_close(state->journal);
    lock_release(&state->lock);
    free(state->folder);
    free(state->journal_path);
    free(state->trail_path);
    free(state->backup_dir);
    free(state->temp_dir);
    *state = (State){.lock = {.fd = -1}};
}
