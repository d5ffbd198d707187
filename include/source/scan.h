/* scan.h: finds the models of a tree. Opens directories, and files only when their first bytes must be looked at; never
 * blocks on one. One thread. */
#ifndef SOURCE_SCAN_H
#define SOURCE_SCAN_H

#include "model/model.h"

typedef struct ScanRules {
    const char *const *patterns;     /* model files; NULL-terminated */
    const char *const *dir_patterns; /* model directories */
    const char *const *includes;     /* none = all; matched on the model's path by glob_path */
    const char *const *excludes;     /* win over includes; an excluded directory is not entered */
    bool follow_links;               /* -L: symlinks that stay below the root, each target once */
    bool hidden;                     /* enter hidden folders and take hidden files, too */
    bool bare_pickles;               /* a file without a suffix that begins as a pickle is a model */
    bool keep_left_out;              /* keep the path of each file that is left out */
    size_t patterns_asked;           /* so many of the patterns, from the first, are the user's: noted when they match nothing */
} ScanRules;

/* Walks the tree below the open directory `root` (borrowed). Adds one entry per model, in byte order of the paths (strcmp), with
 * path, kind, dir_type, stamp and suffix_len set; what cannot be a model but looks like one is added as MODEL_SKIPPED (symlink) or
 * MODEL_FAILED (FIFO, socket, device, zero bytes, unreadable directory), with a reason that starts with the path. Patterns are
 * compared without regard to the case of ASCII letters. What no pattern takes, what is hidden (kinds.c: dot names, the rubbish
 * folders of systems and tools) and what includes and excludes pass over is counted in out->left_out. A directory is one model when
 * its name matches a dir pattern or by the table in kinds.c; the outermost wins. A root that is a model is ERR_USAGE,
 * unless it holds files that a pattern takes: then a note. A
 * symlink or special file inside a directory model makes it fail. A pattern without '/' is matched on the last component too
 * (glob_path). suffix_len: the literal tail of the pattern that matched, if it begins with a dot (`*.joblib` = 7, `*.tar.gz` = 7),
 * else the file's last extension. Symlinks: a link with a name that matches, or to a directory, is MODEL_SKIPPED, unless it leads
 * to a file in a hidden folder below the root: that file has the link's name. With follow_links
 * they are looked at after the walk, in the order of the paths, so that real files win: one target gives one model, whose path is
 * the link's own (followed_link is set; open it with link_open); a second way to the same target and a target outside the root are
 * MODEL_SKIPPED; a link that leads nowhere or in a circle is MODEL_FAILED. errors: ERR_STOP the root cannot be read, no memory, no
 * descriptors; ERR_INTERRUPTED a signal asked to end. The entries so far stay in *out. */
bool scan_tree(int root, const ScanRules *rules, ModelList *out, Err *err);

#endif
