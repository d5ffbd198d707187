/* parts.h: what the files of the scan share; for scan*.c only. */
#ifndef SOURCE_SCAN_PARTS_H
#define SOURCE_SCAN_PARTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/vec.h"
#include "seen.h"
#include "source/scan.h"

/* --- entries.c: the names of one directory, read at once ---------------------------------------------------------------- */

typedef enum EntryType { ENTRY_FILE = 'f', ENTRY_DIRECTORY = 'd', ENTRY_LINK = 'l', ENTRY_SPECIAL = 's' } EntryType;

typedef struct Entries {
    Buf bytes;           /* for each entry its type and its name with a NUL */
    const char **names;  /* into bytes, in the order in which the paths below them sort */
    size_t count;
    unsigned marks;      /* Mark bits of the files and links */
} Entries;

enum Mark {
    MARK_MLMODEL = 1u << 0,
    MARK_SAVED_MODEL = 1u << 1,
    MARK_MODULES = 1u << 2,
    MARK_TOPICS = 1u << 3,
    MARK_CONFIG = 1u << 4,
    MARK_WEIGHTS = 1u << 5,       /* *.safetensors, pytorch_model*.bin */
    MARK_TOPIC_PARTS = 1u << 6,   /* ctfidf*, topic_embeddings* */
    MARK_MODEL_INDEX = 1u << 7,
    MARK_ADAPTER = 1u << 8,
    MARK_OTHER_WEIGHTS = 1u << 9, /* *.bin, *.onnx, *.h5 … */
    MARK_META = 1u << 10,
    MARK_CONFIG_CFG = 1u << 11,
    MARK_TOKENIZER = 1u << 12,
    MARK_PREDICTOR = 1u << 13,
    MARK_LEARNER = 1u << 14,
    MARK_METADATA = 1u << 15,     /* metadata.json, which is of many kinds */
    MARK_VENV = 1u << 16,
    MARK_CACHE = 1u << 17         /* of joblib.Memory */
};

/* Zero-initialise *out. ERR_SKIP when the directory cannot be read to its end; the text is for behind the directory's path. */
bool entries_read(int dir, Entries *out, Err *err);
void entries_free(Entries *entries);
EntryType entry_type(const char *name); /* a name of Entries */

/* --- rules.c: what the names mean --------------------------------------------------------------------------------------- */

/* The suffix length when a file pattern matches, else -1. */
int rules_match_file(const ScanRules *rules, const char *path);
bool rules_match_directory(const ScanRules *rules, const char *path);
bool rules_select(const ScanRules *rules, const char *path);             /* a model of that path is wanted */
bool rules_exclude_directory(const ScanRules *rules, const char *path);
bool rules_exclude(const ScanRules *rules, const char *path);            /* an exclude matches it */

/* Sets the bit of each pattern that the user asked for (the first 64) and that matches. */
void rules_note_used(const ScanRules *rules, const char *path, uint64_t *used);

/* Of a directory that a dir pattern takes and that kinds_find does not know. */
DirType rules_dir_type(unsigned marks, const char *path);

/* --- kinds.c: what the names inside a directory mean ---------------------------------------------------------------------- */

unsigned kinds_marks(const char *name); /* Mark bits of a file of that name */

/* Is the open directory a model by what it holds, and of which kind? holds_models: a pattern takes files right in it. Some kinds
 * are told by the head of a small file. */
bool kinds_find(int dir, unsigned marks, bool holds_models, DirType *type);

bool kinds_is_hidden(const char *name, EntryType type); /* by its name: never entered, never a model */
bool kinds_is_cache(unsigned marks);                    /* a virtual environment, a cache of joblib.Memory */

/* What a killed command left: the temporary names of source/removal.h and source/unpack.h, which may stand for a part of a
 * directory: never a model. The text goes behind the path; NULL: it is none of them. */
const char *rules_leftover_reason(const char *name);

/* --- walk.c ----------------------------------------------------------------------------------------------------------------- */

typedef struct Walk {
    int root;
    const ScanRules *rules;
    ModelList *list;
    Buf path;           /* of the entry in hand, relative to root, with a NUL */
    bool in_link;       /* path leads through a symlink */
    bool to_hidden;     /* ... to a file in a hidden folder, which has no other name */
    VEC(const char *) links; /* symlinks to look at when all real files are known, in the arena; only with follow_links */
    uint64_t patterns_used; /* bits of rules->patterns */
    Arena arena;
    Seen seen;          /* every model, member and directory; only with follow_links */
} Walk;

/* walk->path cannot be stored, for the reason in *err: an entry of the list, except for ERR_STOP, which ends the scan. */
bool walk_report(Walk *walk, ModelKind kind, Err *err);

/* The same with a reason of its own; the text goes behind the path. */
bool walk_report_unreadable(Walk *walk, Err *err); /* of a directory that could not be opened or read */
bool walk_refuse(Walk *walk, ModelKind kind, ModelState state, const char *reason, Err *err);

/* Appends a component to walk->path; walk_leave takes it off again. *mark is for walk_leave. */
bool walk_enter(Walk *walk, const char *name, size_t *mark, Err *err);
void walk_leave(Walk *walk, size_t mark);

/* A regular file of a matching name. */
bool walk_add_file(Walk *walk, const struct stat *st, int suffix_len, Err *err);

/* The open directory `dir` (borrowed) at walk->path: one model, or walked. ERR_INTERRUPTED: every entry looks for a signal. */
bool walk_directory(Walk *walk, int dir, unsigned depth, Err *err);

/* --- links.c: symlinks -------------------------------------------------------------------------------------------------- */

/* The symlink at walk->path, called `name` in `dir`: reported, or kept for links_follow. */
bool links_note(Walk *walk, int dir, const char *name, Err *err);

/* Looks at all links that were kept, and at those found on the way. */
bool links_follow(Walk *walk, Err *err);

#endif
