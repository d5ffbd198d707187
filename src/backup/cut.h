/* cut.h: what is kept of the files that a killed run left, and what is cut. Private to backup*.c.
 *
 * One BackupCut for a folder. First its chunks files are weighed, then its part files are cut, then its chunks files: pieces follow
 * their model's row. Each step may be the last one of a killed process; the next recovery begins anew and comes to the same end. */
#ifndef BACKUP_CUT_H
#define BACKUP_CUT_H

#include "backup/backup.h"

typedef struct BackupCut BackupCut;

/* folder is borrowed. */
BackupCut *backup_cut_new(const char *folder, const char *run_id, BackupAskFn ask, void *ctx, Err *err);
void backup_cut_free(BackupCut *cut);

/* Notes of which models the pieces in a chunks file are whole. Changes nothing. */
bool backup_cut_weigh(BackupCut *cut, const char *name, Err *err);

/* Cuts one file, or removes it when no row is kept, else adds it to the manifest. *understood is false when the file is of another
 * version: then nothing was touched. */
bool backup_cut_file(BackupCut *cut, const char *name, BackupManifest *manifest, bool *understood, Err *err);

/* Rows that were kept though the store does not have them; *taken: those of them whose version has other content there. */
uint64_t backup_cut_missing(const BackupCut *cut, uint64_t *taken);

#endif
