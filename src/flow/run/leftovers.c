/* leftovers.c: the backups of runs that were killed. They are finished when the work is done, so that one that cannot be finished
 * keeps nothing from being stored. */
#include "worker.h"

bool leftovers_finish(Run *run, Err *err)
{
    BackupOwner owner = run_owner(run);
    if (run->settings->dry_run || backup_finish_leftovers(run->state.backup_dir, &owner, err))
        return true;
    if (err->hint[0] == '\0')
        err_hint(err, "what had to be stored is stored; the next run tries to finish the backup of the killed run again");
    return false;
}
